// What operators are told: facts for validate, files that are missing, the audit, ways to an API.
#include "inventory/compile.hpp"
#include "inventory/missing_files.hpp"
#include "inventory/problems_json.hpp"
#include "records/audit.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

std::string three_masters() {
  return sample::cluster() + sample::node("m1", "master", 11) + sample::node("m2", "follower", 12) +
         sample::node("m3", "follower", 13);
}

std::vector<std::string> actions_of(const sample::Answer& answer) {
  std::vector<std::string> actions;
  for (const auto& row : answer.body.at("rows"))
    actions.push_back(row.at("action").get<std::string>());
  return actions;
}

}  // namespace

TEST_CASE(
    "a cluster that the server does not know yet is sound by what its first apply would have") {
  House house;
  const auto told = house.ask("GET", "/v1/operator/site-facts?cluster=lab");
  REQUIRE(told.status == 200);
  const auto facts = parse_site_facts(told.body.dump());
  REQUIRE(facts);
  const auto inventory = load({{"site.yaml", sample::small_inventory()}});
  REQUIRE(inventory);
  const auto compiled = compile(*inventory, "lab", *facts);
  CHECK_MESSAGE(compiled, to_text(compiled ? std::vector<InventoryProblem>() : compiled.error()));
  // It was a question: nothing was made.
  CHECK(house.store.count(kinds::authority, kinds::prefix_of("lab")).value() == 0);
  CHECK(house.store.count(kinds::secret, kinds::prefix_of("lab")).value() == 0);
  CHECK(house.ask("GET", "/v1/operator/site-facts?cluster=No+Name").status == 400);
}

TEST_CASE("files that the disk lacks are told by readyz, the status and the facts") {
  House house;
  house.apply(sample::small_inventory());  // the sample's releases have rows alone
  const auto ready = house.ask("GET", "/readyz");
  CHECK(ready.status == 503);
  CHECK(ready.body.at("kind") == "artifacts_missing");
  CHECK(ready.message().find("release runc 1.0.0: 2 of 2 files are not on the server's disk") !=
        std::string::npos);
  const auto status = house.ask("GET", "/v1/operator/status");
  CHECK(status.body.at("incompleteReleases").size() == 9);
  CHECK(status.body.at("incompleteReleases")[0] ==
        nlohmann::json(
            {{"name", "cni-plugins"}, {"version", "1.0.0"}, {"missing", 2}, {"files", 2}}));
  CHECK(house.ask("GET", "/v1/operator/releases").body.at("releases")[0].at("missing") == 2);
  const auto facts = house.ask("GET", "/v1/operator/site-facts?cluster=lab");
  CHECK(facts.body.at("catalogue")[0].at("missing") == 2);
  // apply warns in the words of validate, and publishes: a restored site needs it first.
  const auto inventory = load({{"site.yaml", sample::small_inventory()}});
  const auto known = parse_site_facts(facts.body.dump());
  const auto compiled = compile(*inventory, "lab", *known);
  REQUIRE(compiled);
  const auto lost = missing_files(inventory->clusters.at("lab"), compiled->releases);
  REQUIRE(lost.size() == 9);
  CHECK(to_text(lost[8]).ends_with(
      "spec.releases: expected every file of release runc 1.0.0 on the server's disk, found 2 missing; bring them back with 'muster release import'"));
  const auto applied = house.apply(sample::small_inventory(", labels: {rack: r2}")).body;
  CHECK(applied.at("written") == true);
  const auto again = load({{"site.yaml", sample::small_inventory(", labels: {rack: r2}")}});
  CHECK(applied.at("warnings") ==
        problems_json(missing_files(again->clusters.at("lab"), compiled->releases)));
}

TEST_CASE("nobody has converged on what it has not got: after an apply, until it says so") {
  House house;
  house.apply(sample::small_inventory() + sample::node("n2", "node", 22));
  const Peer n1 = house.machine("n1"), n2 = house.machine("n2");
  house.reports.begin(house.clock.since_boot());
  std::uint64_t counter = 0;
  const auto report = [&](const Peer& peer, const std::string& node) {
    Report made;
    made.machine_id = node;
    made.boot_id = "b";
    made.counter = ++counter;
    made.verdict = Verdict::converged;
    made.document_digest = made.fetched_digest =
        std::string(house.current.document("lab", node)->digest());
    const auto body = nlohmann::json::parse(to_json(made));
    REQUIRE(house.ask("POST", "/v1/report", body, peer).status == 200);
  };
  const auto counts = [&] {
    const auto row = house.ask("GET", "/v1/operator/status").body.at("clusters")[0];
    return fmt::format("{} converged, {} converging, {} silent, {} never enrolled, {} banned",
                       row.at("converged").get<int>(), row.at("converging").get<int>(),
                       row.at("silent").get<int>(), row.at("neverEnrolled").get<int>(),
                       row.at("banned").get<int>());
  };
  report(n1, "n1");
  report(n2, "n2");
  CHECK(counts() == "2 converged, 0 converging, 0 silent, 1 never enrolled, 0 banned");
  house.apply(sample::small_inventory(", labels: {a: b}") + sample::node("n2", "node", 22));
  CHECK(counts() == "1 converged, 1 converging, 0 silent, 1 never enrolled, 0 banned");
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/n1").body.at("standing") == "converging");
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/n1").body.at("verdict") == "converged");
  report(n1, "n1");
  CHECK(counts() == "2 converged, 0 converging, 0 silent, 1 never enrolled, 0 banned");
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/n2/ban", {{"reason", "x"}}).status == 200);
  CHECK(counts() == "1 converged, 0 converging, 0 silent, 1 never enrolled, 1 banned");
  house.time += std::chrono::seconds(166);
  CHECK(counts() == "0 converged, 0 converging, 1 silent, 1 never enrolled, 1 banned");
}

TEST_CASE("the generation in force is told where the newest document is, and of no other") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  std::uint64_t counter = 0;
  const auto in_force = [&](const std::string& document_digest) {
    Report made;
    made.machine_id = "n1";
    made.boot_id = "b";
    made.counter = ++counter;
    made.verdict = Verdict::pending_changes;
    made.generation = 7;
    made.fetched_digest = "sha256:new";
    made.document_digest = document_digest;
    REQUIRE(house.ask("POST", "/v1/report", nlohmann::json::parse(to_json(made)), n1).status ==
            200);
    const auto answer = house.ask("GET", "/v1/operator/nodes");
    for (const auto& row : answer.body.at("nodes")) {
      if (row.at("node") == "n1") return row.at("inForce").get<std::uint64_t>();
    }
    return std::uint64_t{99};
  };
  CHECK(in_force("sha256:new") == 7);
  CHECK(in_force("sha256:old") == 0);
  CHECK(in_force("") == 0);
}

TEST_CASE("machines are listed page by page, or by name") {
  House house;
  house.apply(sample::small_inventory());
  house.machine("n1");
  const auto list = [&](const std::string& query) {
    const auto answer = house.ask("GET", "/v1/operator/nodes" + query);
    REQUIRE(answer.status == 200);
    std::string names;
    for (const auto& row : answer.body.at("nodes"))
      names += row.at("node").get<std::string>() + " " + row.at("role").get<std::string>() + " " +
               row.at("state").get<std::string>() + ", ";
    return names + "then " + answer.body.at("next").get<std::string>();
  };
  CHECK(list("") == "m1 master not-enrolled, n1 node enrolled, then ");
  CHECK(list("?limit=1") == "m1 master not-enrolled, then lab/m1");
  CHECK(list("?limit=1&after=lab/m1") == "n1 node enrolled, then lab/n1");
  CHECK(list("?limit=1&after=lab/n1") == "then ");
  CHECK(list("?limit=2") == "m1 master not-enrolled, n1 node enrolled, then lab/n1");
  CHECK(list("?node=n1") == "n1 node enrolled, then ");
  CHECK(list("?node=n2") == "then ");
  CHECK(list("?after=lab/zz&cluster=lab") == "then ");
  CHECK(house.ask("GET", "/v1/operator/nodes?after=m1").body.at("message") ==
        "after: expected CLUSTER/NODE as `next` of the page before has it, found 'm1'");
}

TEST_CASE("the audit answers the newest rows, those of a time, and those of a machine") {
  House house;
  house.apply(three_masters());
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/m2/replace").status == 200);
  CHECK(house.ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}}).status == 200);
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/m3/replace").status == 200);
  const auto ask = [&](const std::string& query) {
    return actions_of(house.ask("GET", "/v1/operator/audit?" + query));
  };
  const auto all = ask("limit=100");
  REQUIRE(all.size() >= 4);
  CHECK(ask("tail=100") == all);
  CHECK(ask("tail=2") == std::vector<std::string>(all.end() - 2, all.end()));
  CHECK(ask("limit=2") == std::vector<std::string>(all.begin(), all.begin() + 2));
  CHECK(ask("tail=100&node=m2") == ask("tail=100&node=lab/m2"));
  CHECK(ask("tail=100&node=m2").size() == 1);
  CHECK(ask("tail=100&node=m").empty());
  CHECK(ask("tail=100&node=other/m2").empty());
  CHECK(ask("tail=100&within=60") == all);
  house.time += std::chrono::hours(2);
  CHECK(ask("tail=100") == all);
  CHECK(ask("tail=100&within=60").empty());
  CHECK(house.ask("GET", "/v1/operator/audit?tail=nine").status == 400);
}

TEST_CASE("the newest rows of many are those that were written last, however long ago") {
  House house;
  for (int i = 0; i < 2500; ++i) {
    Transaction transaction;
    append_audit(transaction, house.time - std::chrono::hours(24 * 40 - i / 100), "server", "made",
                 "lab", std::to_string(i));
    REQUIRE(house.store.commit(transaction));
  }
  AuditQuery query;
  query.newest = true;
  query.limit = 3;
  const auto rows = find_audit(house.store, query);
  REQUIRE(rows);
  REQUIRE(rows->size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK((*rows)[i].detail == std::to_string(2497 + i));
}

TEST_CASE("a kubeconfig has a context for each master, and begins with one that is well") {
  House house;
  house.apply(three_masters());
  const auto text = [&] {
    return house.ask("POST", "/v1/operator/kubeconfig", {{"cluster", "lab"}});
  };
  auto made = text();
  REQUIRE(made.status == 200);
  CHECK(made.body.at("contexts") ==
        nlohmann::json({"root@lab", "root@lab-m1", "root@lab-m2", "root@lab-m3"}));
  const auto begins_with = [](const sample::Answer& answer, const std::string& server) {
    return answer.body.at("kubeconfig")
        .get<std::string>()
        .starts_with(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: lab\n  cluster:\n    server: " +
            server + "\n");
  };
  CHECK(begins_with(made, "https://10.77.0.11:6443"));
  CHECK(made.body.at("kubeconfig").get<std::string>().find("current-context: root@lab\n") !=
        std::string::npos);
  Report well;
  well.machine_id = "m";
  well.boot_id = "b";
  well.counter = 1;
  well.verdict = Verdict::converged;
  const Peer m3 = house.machine("m3");
  REQUIRE(house.ask("POST", "/v1/report", nlohmann::json::parse(to_json(well)), m3).status == 200);
  CHECK(begins_with(text(), "https://10.77.0.13:6443"));
}

TEST_CASE(
    "a listed cluster ends by its name, its machines keep what they have, and it can be made anew") {
  House house;
  const auto total = [&] {
    std::uint64_t count = 0;
    for (const auto kind :
         {kinds::cluster, kinds::document, kinds::peers, kinds::machine, kinds::report,
          kinds::revision, kinds::authority, kinds::secret, kinds::token, kinds::drain})
      count += house.store.count(kind, {}).value();
    return count;
  };
  const auto before = total();
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  REQUIRE(house.ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}}).status == 200);
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/drain").status == 200);
  const auto end = [&](const std::string& query) {
    return house.ask("DELETE", "/v1/operator/clusters/lab" + query);
  };
  for (const char* unsure : {"", "?confirm=lap"}) {
    const auto refused = end(unsure);
    CHECK(refused.status == 409);
    CHECK(
        refused.message() ==
        "cluster 'lab': an inventory lists it. Its authorities, secrets and history would be gone for good, and its 2 machines would run on until their certificates end. If that is meant: muster cluster delete lab --confirm lab");
  }
  CHECK(house.ask("GET", "/v1/document", {}, n1).status == 200);
  REQUIRE(end("?confirm=lab").status == 200);
  CHECK(total() == before);
  const auto tombstone = house.ask("GET", "/v1/document", {}, n1);
  REQUIRE(tombstone.status == 200);
  const auto told =
      nlohmann::json::parse(base64_decode(tombstone.body.at("payload").get<std::string>()).value());
  CHECK(told.at("onDelete") == "keep");
  CHECK(house.ask("POST", "/v1/report", {}, n1).body.at("kind") == "ended");
  CHECK(end("?confirm=lab").status == 404);
  house.apply(sample::small_inventory());
  CHECK(house.ask("POST", "/v1/report", {}, n1).body.at("kind") == "ended");
}

TEST_CASE("a token of a cluster that is not there is refused") {
  House house;
  house.apply(sample::small_inventory());
  const auto refused = house.ask("POST", "/v1/operator/tokens", {{"cluster", "nope"}});
  CHECK(refused.status == 404);
  CHECK(
      refused.message() ==
      "cluster 'nope': nothing is published for it; run `muster apply` first, or look at `muster status` for the names there are");
  CHECK(house.ask("GET", "/v1/operator/tokens").body.at("tokens").empty());
}

TEST_CASE("a token of a listed machine admits it in the role that the inventory gives it") {
  House house;
  house.apply(sample::small_inventory());
  const auto made = house.ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}, {"node", "m1"}});
  REQUIRE_MESSAGE(made.status == 200, made.body.dump());
  CHECK(house.ask("GET", "/v1/operator/tokens").body.at("tokens")[0].at("role") == "master");
}
