// What lists and the status say of machines that are not well, or not let in.
#include "fleet/machine_trouble.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/pending.hpp"
#include "enrolment/remove.hpp"
#include "fleet/node_state.hpp"
#include "fleet/standing.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

std::uint64_t counter = 0;

Report sound_report() {
  Report report;
  report.machine_id = "m";
  report.boot_id = "b";
  report.counter = ++counter;
  report.verdict = Verdict::converged;
  report.configuration = Configuration::settled;
  return report;
}

void tell(House& house, const Peer& machine, const Report& report) {
  REQUIRE(house.ask("POST", "/v1/report", nlohmann::json::parse(to_json(report)), machine).status ==
          200);
}

nlohmann::json row_of(House& house, const std::string& name) {
  return house.ask("GET", "/v1/operator/nodes/lab/" + name).body;
}

Peer stranger(const std::string& address) {
  Peer peer;
  peer.listener = ListenerKind::enrol;
  peer.address = address;
  return peer;
}

}  // namespace

TEST_CASE("the worst three machines are named with cause and cure, the worst first") {
  House house;
  house.apply(sample::cluster() + sample::node("m1", "master", 11) +
              sample::node("n1", "node", 21) + sample::node("n2", "node", 22) +
              sample::node("n3", "node", 23) + sample::node("n4", "node", 24));
  const auto worst = [&] { return house.ask("GET", "/v1/operator/status").body.at("worst"); };
  CHECK(worst().empty());
  tell(house, house.machine("m1"), sound_report());
  CHECK(worst().empty());
  Report unwell = sound_report();
  unwell.unwell = {{"kubelet", "NotReady", unix_seconds(house.time) - 60}};
  tell(house, house.machine("n1"), unwell);
  Report failed = sound_report();
  failed.verdict = Verdict::failed;
  failed.failure_class = "disk";
  failed.message = "writing '/etc/x': no space\nand more";
  failed.failure = {"", {}, "free space"};
  tell(house, house.machine("n2"), failed);
  Report refused = sound_report();
  refused.configuration = Configuration::fallen_back;
  refused.refused_document = {"sha256:0123456789abcdef", "kubelet exits"};
  tell(house, house.machine("n3"), refused);
  Report pending = sound_report();
  pending.verdict = Verdict::pending_changes;
  tell(house, house.machine("n4"), pending);
  const auto rows = worst();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("node") == "n2");
  CHECK(rows[0].at("reason") == "failed (disk): writing '/etc/x': no space");
  CHECK(rows[0].at("cure") == "free space");
  CHECK(rows[1].at("node") == "n3");
  CHECK(rows[1].at("reason") == "converged, fallen back from sha256:0123456789ab: kubelet exits");
  CHECK(rows[2].at("node") == "n1");
  CHECK(row_of(house, "n1").at("unwell") == 1);
  CHECK(row_of(house, "n1").at("reason").get<std::string>().rfind("converged, unwell since ", 0) ==
        0);
  CHECK(row_of(house, "m1").at("reason") == "");
  CHECK(row_of(house, "n3").at("configuration") == "fallen-back");
  CHECK(house.ask("GET", "/v1/operator/status").body.at("clusters")[0].at("unwell") == 1);
  const auto counts = count_machines(house.rooms);
  REQUIRE(counts.size() == 1);
  CHECK(counts[0].unwell == 1);
  CHECK(counts[0].configurations == std::map<std::string, int>{{"settled", 4}, {"fallen-back", 1}});
}

TEST_CASE("a machine that is silent, banned or frozen says so with its cure") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  tell(house, n1, sound_report());
  house.time += std::chrono::seconds(silent_after(house.reports.find({"lab", "n1"})) + 1);
  auto row = row_of(house, "n1");
  CHECK(row.at("reason").get<std::string>().rfind("not heard of since ", 0) == 0);
  CHECK(
      row.at("cure") ==
      "see whether it is on and reaches this server; on it: journalctl -u muster-agent; if it was reset or reinstalled: `muster node replace n1 --cluster lab`, then `muster token create --cluster lab --node n1 --role node`, that token into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
  REQUIRE(freeze(house.enrolment, {"lab", "n1"}, "seen twice", "server"));
  CHECK(row_of(house, "n1").at("reason") == "frozen: seen twice");
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  row = row_of(house, "n1");
  CHECK(row.at("reason") == "banned: stolen");
  CHECK(row.at("banReason") == "stolen");
  const auto bans = house.ask("GET", "/v1/operator/status").body.at("clusters")[0].at("bans");
  REQUIRE(bans.size() == 1);
  CHECK(bans[0] == nlohmann::json({{"node", "n1"}, {"reason", "stolen"}}));
  CHECK(row.at("cure") == "`muster unban n1` lets it in again");
}

TEST_CASE("an ordered replacement is seen, and taken back") {
  House house;
  house.apply(sample::small_inventory());
  house.machine("n1");
  const auto order = [&](const nlohmann::json& body) {
    return house.ask("POST", "/v1/operator/nodes/lab/n1/replace", body);
  };
  const auto replacements = [&] {
    return house.ask("GET", "/v1/operator/status").body.at("clusters")[0].at("replacements").size();
  };
  CHECK(row_of(house, "n1").at("replace").is_null());
  REQUIRE(order(nlohmann::json::object()).status == 200);
  CHECK(row_of(house, "n1").at("replace") ==
        nlohmann::json({{"orderedAt", unix_seconds(house.time)}, {"key", ""}}));
  CHECK(replacements() == 1);
  REQUIRE(order({{"cancel", true}}).status == 200);
  CHECK(row_of(house, "n1").at("replace").is_null());
  CHECK(replacements() == 0);
  const auto none = order({{"cancel", true}});
  CHECK(none.status == 404);
  CHECK(
      none.message() ==
      "node 'lab/n1': expected an ordered replacement to cancel, found none; if another key has the name already, `muster audit --node lab/n1` says since when");
}

TEST_CASE("something that asked for trust and went away is told, by its node where it has one") {
  House house;
  house.apply(sample::small_inventory());
  house.ask("GET", "/v1/trust", {}, stranger("10.77.0.21"));
  house.ask("GET", "/v1/trust", {}, stranger("10.99.0.1"));
  const auto status = [&] { return house.ask("GET", "/v1/operator/status").body; };
  // It may be about to enrol.
  CHECK(status().at("strangers").empty());
  CHECK(row_of(house, "n1").at("reason") == "");
  house.time += std::chrono::seconds(30);
  REQUIRE(status().at("strangers").size() == 1);
  CHECK(status().at("strangers")[0].at("source") == "10.99.0.1");
  const std::string reason = row_of(house, "n1").at("reason");
  CHECK(
      reason ==
      "not let in: it asked for the trust list and went away without enrolling: it trusts another site, or is no agent; compare the sitePin in its settings (`muster-agent facts`) with `muster init` (from 10.77.0.21, 1 times)");
  CHECK(status().at("worst")[0].at("node") == "n1");
  house.ask("POST", "/v1/enrol", {}, stranger("10.77.0.21"));
  CHECK(row_of(house, "n1").at("reason") == reason);  // no proof of anything
  house.time += std::chrono::hours(1);
  CHECK(status().at("strangers").empty());
  CHECK(row_of(house, "n1").at("reason") == "");
}

TEST_CASE("who asks for trust again and again and never goes on is told as well") {
  House house;
  house.apply(sample::small_inventory());
  for (int i = 0; i < 10; ++i) {
    house.ask("GET", "/v1/trust", {}, stranger("10.77.0.21"));
    house.time += std::chrono::seconds(1);
  }
  const std::string reason = row_of(house, "n1").at("reason");
  CHECK(reason.rfind("not let in: it asked for the trust list and went away", 0) == 0);
  CHECK(reason.find("(from 10.77.0.21, 10 times)") != std::string::npos);
}

TEST_CASE("a machine that waited and asks for trust anew has gone away, within one second too") {
  House house;
  house.apply(sample::small_inventory());
  PendingMachine machine;
  machine.fingerprint = "sha256:k";
  machine.source = "10.77.0.21";
  REQUIRE(note_pending(house.enrolment, machine));
  const auto reason = [&] { return row_of(house, "n1").at("reason").get<std::string>(); };
  CHECK(reason().rfind("waits for approval: ", 0) == 0);
  house.ask("GET", "/v1/trust", {}, stranger("10.77.0.21"));
  CHECK(reason().rfind("waits for approval: ", 0) == 0);  // it may be about to ask again
  house.time += std::chrono::seconds(30);
  CHECK(reason().rfind("not let in: it asked for the trust list and went away", 0) == 0);
}

TEST_CASE(
    "a machine that reported, and trusts another site since, is told after two missed reports") {
  House house;
  house.apply(sample::small_inventory());
  tell(house, house.machine("n1"), sound_report());
  const auto reason = [&] { return row_of(house, "n1").at("reason").get<std::string>(); };
  house.time += std::chrono::seconds(50);
  house.ask("GET", "/v1/trust", {}, stranger("10.77.0.21"));
  house.time += std::chrono::seconds(70);
  CHECK(reason().empty());
  house.time += std::chrono::seconds(1);
  CHECK(reason().rfind("not let in: it asked for the trust list and went away", 0) == 0);
  tell(house, house.machine("n1"), sound_report());
  CHECK(reason().empty());
}

TEST_CASE("two contents of one generation are an alarm, whether the agent says so or not") {
  House house;
  house.apply(sample::small_inventory());
  const auto served = house.current.document("lab", "n1");
  const std::string digest = served->etag.substr(1, served->etag.size() - 2);
  const Peer n1 = house.machine("n1");
  const auto alarm = [&] {
    const auto status = house.ask("GET", "/v1/operator/status").body;
    const auto& worst = status.at("worst");
    return fmt::format("{} {}", status.at("clusters")[0].at("twoHistories").get<int>(),
                       worst.empty() ? "" : worst[0].at("reason").get<std::string>());
  };
  Report report = sound_report();
  report.generation = served->generation;
  report.fetched_digest = digest;
  tell(house, n1, report);
  CHECK(alarm() == "0 ");
  report.counter = ++counter;
  report.contradiction = Contradiction{"peers", 7, "sha256:a", "sha256:b"};
  tell(house, n1, report);
  CHECK(alarm() == "1 two of one generation: peers 7: it has sha256:a, and was offered sha256:b");
  CHECK(count_machines(house.rooms).front().two_histories == 1);
  CHECK(
      house.ask("GET", "/v1/operator/nodes/lab/n1").body.at("cure") ==
      "if this server's database was put back, publish the wanted content anew (`muster revision rollback`); else somebody else signs: `muster document-key list`, and revoke it");
  // An agent before 0.3 took it.
  report.counter = ++counter;
  report.contradiction.reset();
  report.fetched_digest = "sha256:other";
  tell(house, n1, report);
  CHECK(alarm() ==
        fmt::format("1 two of one generation: document {}: it has sha256:other, and is served {}",
                    served->generation, served->etag));
}

TEST_CASE("a frozen machine is among the worst, with both keys to choose from") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  auto found = find_machine(house.store, {"lab", "n1"}).value();
  found.record.frozen = true;
  found.record.freeze_reason = "two of them";
  found.record.claimant = IssuedIdentity{"sha256:owner", "1", 0, 0};
  Transaction transaction;
  put_machine(found, transaction);
  REQUIRE(house.store.commit(transaction));
  const auto worst = house.ask("GET", "/v1/operator/status").body.at("worst");
  REQUIRE(worst.size() == 1);
  CHECK(worst[0].at("reason") == "frozen: two of them");
  CHECK(worst[0].at("cure") ==
        fmt::format("`muster node unfreeze n1 --keep {}` or `--keep sha256:owner`",
                    found.record.current->key));
}
