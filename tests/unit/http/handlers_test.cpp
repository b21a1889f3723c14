// What the routes answer, with every room behind them and no socket before them.
#include "http/handlers.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"
#include "records/revision.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;
using sample::on_admin_socket;

namespace {

nlohmann::json report(std::uint64_t counter) {
  Report made;
  made.machine_id = "m";
  made.boot_id = "b";
  made.counter = counter;
  made.verdict = Verdict::converged;
  return nlohmann::json::parse(to_json(made));
}

std::vector<std::string> releases_of(House& house) {
  std::vector<std::string> names;
  const auto answer = house.ask("GET", "/v1/operator/releases");
  for (const auto& row : answer.body.at("releases")) {
    names.push_back(row.at("name").get<std::string>() + " " + row.at("version").get<std::string>());
  }
  return names;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("on the admin socket root and the group are operators, and nobody else") {
  House house;
  const auto status = [&](const Peer& peer) {
    return house.ask("GET", "/v1/operator/status", {}, peer);
  };
  CHECK(status(on_admin_socket(0)).status == 200);
  // In a user namespace everybody but root and the server's own user is 65534.
  CHECK(status(on_admin_socket(65534, {65534, sample::admin_group})).status == 200);
  const auto refused = status(on_admin_socket(65534, {65534, 100}));
  CHECK(refused.status == 403);
  CHECK(
      refused.message() ==
      "this is the operator's API: use an operator certificate, or the admin socket as root or as a member of its group");
}

TEST_CASE("a ban, a freeze and a removal are seen by the next request of a known machine") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1"), m1 = house.machine("m1");
  const auto document = [&](const Peer& peer) {
    return house.ask("GET", "/v1/document", {}, peer).status;
  };
  CHECK(document(n1) == 200);
  CHECK(document(m1) == 200);
  CHECK(house.callers.find(n1.certificate_id));
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(house.callers.find(m1.certificate_id));
  CHECK(document(n1) == 403);
  CHECK(house.ask("GET", "/v1/document", {}, n1).body.at("kind") == "banned");
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/n1/unban").status == 200);
  CHECK(document(n1) == 200);
  REQUIRE(freeze(house.enrolment, {"lab", "n1"}, "two of them", "server"));
  CHECK(house.ask("POST", "/v1/certificates", {{"requests", nlohmann::json::array()}}, n1)
            .body.at("kind") == "frozen");
  house.apply(sample::cluster() + sample::node("m1", "master", 11), true);
  CHECK(house.ask("GET", "/v1/document", {}, n1).body.at("kind") == "identity_unknown");
  CHECK(house.callers.find(m1.certificate_id));
}

TEST_CASE("a report is one commit, and costs no other machine its place in the cache") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1"), m1 = house.machine("m1");
  REQUIRE(house.ask("GET", "/v1/document", {}, m1).status == 200);
  const auto answer = house.ask("POST", "/v1/report", report(1), n1);
  CHECK(answer.status == 200);
  CHECK(answer.body.at("converge") == false);
  // A store's versions are those of its commits.
  CHECK(house.store.get(kinds::report, "lab/n1")->version ==
        house.store.get(kinds::machine, "lab/n1")->version);
  CHECK(house.callers.find(m1.certificate_id));
  const auto node = house.ask("GET", "/v1/operator/nodes/lab/n1");
  CHECK(node.body.at("verdict") == "converged");
  CHECK(node.body.at("report").at("counter") == 1);
  CHECK(house.ask("POST", "/v1/report", {{"counter", -1}}, n1).status == 400);
}

TEST_CASE(
    "a machine that the inventory lists is not removed, one that it left is forgotten whole") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  const auto remove = [&] { return house.ask("POST", "/v1/operator/nodes/lab/n1/remove"); };
  auto refused = remove();
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "still_listed");
  CHECK(
      refused.message() ==
      "node 'lab/n1': the inventory lists it, so that it would be let in again; drain it with `muster node drain n1`, take it out and run `muster apply DIR --remove`, or shut it out with `muster ban n1`");
  CHECK(house.ask("GET", "/v1/document", {}, n1).status == 200);
  house.apply(sample::cluster() + sample::node("m1", "master", 11), true);
  const auto networks = [&] { return *find_cluster(house.store, "lab")->record.pod_cidrs; };
  CHECK(networks().contains("n1"));
  CHECK(remove().status == 200);
  CHECK_FALSE(networks().contains("n1"));
  CHECK(networks().contains("m1"));
  refused = remove();
  CHECK(refused.status == 404);
  CHECK(refused.message() ==
        "node 'lab/n1': nothing is left of it; `muster node list` shows the machines there are");
}

TEST_CASE("a revision says how many machines it has") {
  House house;
  house.apply(sample::small_inventory());
  house.apply(sample::small_inventory() + sample::node("n2", "node", 22));
  const auto answer = house.ask("GET", "/v1/operator/revisions?cluster=lab");
  REQUIRE(answer.body.at("revisions").size() == 2);
  CHECK(answer.body.at("revisions")[0].at("number") == 2);
  CHECK(answer.body.at("revisions")[0].at("machines") == 3);
  CHECK(answer.body.at("revisions")[1].at("machines") == 2);
}

TEST_CASE("prune keeps what going back to any kept revision needs") {
  House house;
  house.apply(sample::small_inventory());  // runc 1.0.0
  house.site.add_release("runc", "2.0.0");
  house.site.add_release("runc", "3.0.0");
  house.apply(sample::cluster("  releases: {runc: 3.0.0}\n") + sample::node("m1", "master", 11) +
              sample::node("n1", "node", 21));
  house.site.add_release("runc", "4.0.0");
  const auto told = house.ask("POST", "/v1/operator/releases/prune", {{"dryRun", true}});
  CHECK(has(releases_of(house), "runc 2.0.0"));
  const auto pruned = house.ask("POST", "/v1/operator/releases/prune");
  REQUIRE(pruned.status == 200);
  CHECK(pruned.body.at("releases") ==
        nlohmann::json::array({{{"name", "runc"}, {"version", "2.0.0"}}}));
  CHECK(told.body.at("releases") == pruned.body.at("releases"));
  const auto left = releases_of(house);
  CHECK(has(left, "runc 1.0.0"));
  CHECK(has(left, "runc 3.0.0"));
  CHECK(has(left, "runc 4.0.0"));  // the newest of its name
  CHECK(
      house.ask("POST", "/v1/operator/revisions/rollback", {{"cluster", "lab"}, {"revision", "1"}})
          .status == 200);
}

TEST_CASE("what is wrong inside is told to operators and hidden from machines") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  Transaction damage;
  damage.put(kinds::machine, "lab/n1", "{}");
  REQUIRE(house.store.commit(damage));
  const auto told = house.ask("GET", "/v1/operator/nodes/lab/n1");
  CHECK(told.status == 500);
  CHECK(told.message().starts_with("machine 'lab/n1': machine record: refused, "));
  const auto hidden = house.ask("GET", "/v1/document", {}, n1);
  CHECK(hidden.status == 500);
  CHECK(hidden.message() == "the server failed; its log says why under this request's id");
  CHECK(hidden.body.at("requestId") == "r1");
}

TEST_CASE("orders, tokens and approvals carry the operator's name once") {
  House house;
  house.apply(sample::small_inventory());
  CHECK(house.ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}}).status == 200);
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/n1/replace").status == 200);
  const auto answer = house.ask("GET", "/v1/operator/audit");
  std::set<std::string> actors;
  for (const auto& row : answer.body.at("rows")) actors.insert(row.at("actor").get<std::string>());
  CHECK(actors == std::set<std::string>{"operator root", "server"});
  CHECK(house.ask("GET", "/v1/operator/tokens").body.at("tokens")[0].at("createdBy") ==
        "operator root");
}

TEST_CASE("a machine's certificate opens no operator's path, and asks for no name") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  // Before its body is read: both a machine that is not yet known and one that is.
  for (const int known : {0, 1}) {
    for (const char* path : {"/v1/operator/nodes", "/v1/operator/secrets", "/v1/operator/audit"}) {
      CAPTURE(known);
      RequestHead head;
      head.method = "GET";
      head.path = path;
      const Admission admission = house.router.admit(head, n1, "r1");
      REQUIRE(admission.refusal.has_value());
      CHECK(admission.refusal->status == 403);
    }
    CHECK(house.ask("GET", "/v1/document", {}, n1).status == 200);
  }
  CHECK(house.ask("GET", "/v1/document/m1", {}, n1).status == 404);
  CHECK(house.ask("PUT", "/v1/document", {}, n1).status == 405);
}

TEST_CASE("who waits for a worker: a cluster's machines, an operator, a network of strangers") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  Peer stranger;
  stranger.listener = ListenerKind::enrol;
  stranger.address = "192.0.2.7";
  const auto admit = [&](const char* method, const char* path, const Peer& peer) {
    RequestHead head;
    head.method = method;
    head.path = path;
    return house.router.admit(head, peer, "r1");
  };
  Peer lapsed = n1;
  lapsed.address = "192.0.2.7";
  // A certificate alone says nothing: a banned machine has one too.
  CHECK(admit("POST", "/v1/report", lapsed).share == WorkShare{true, "192.0.2.0/24", "192.0.2.7"});
  REQUIRE(house.ask("GET", "/v1/document", {}, n1).status == 200);
  const auto report = admit("POST", "/v1/report", n1);
  CHECK(report.share == WorkShare{false, "lab", "n1"});
  CHECK_FALSE(report.is_for_people);
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban").status == 200);
  CHECK(admit("POST", "/v1/report", lapsed).share.is_strangers);
  CHECK(admit("POST", "/v1/enrol", stranger).share == WorkShare{true, "192.0.2.0/24", "192.0.2.7"});
  const auto apply = admit("POST", "/v1/operator/apply", sample::on_admin_socket(0));
  CHECK(apply.is_for_people);
  CHECK(apply.share == WorkShare{false, "uid 0", ""});
}
