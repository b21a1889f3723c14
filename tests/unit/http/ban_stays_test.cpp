// A ban outlives every publication that leaves its machine out, and its cluster where it is the
// key's.
#include "enrolment/caller.hpp"
#include "records/bans.hpp"
#include "sample_pool.hpp"

using namespace muster;
using sample::PoolHouse;

namespace {

struct BannedHouse : sample::House {
  const std::string with_n2 = sample::small_inventory() + sample::node("n2", "node", 22);
  Peer n2;
  std::string key;

  BannedHouse() {
    REQUIRE(views.load());
    apply(sample::small_inventory());
    apply(with_n2);
    n2 = machine("n2");
    key = find_machine(store, {"lab", "n2"})->record.current->key;
    const auto banned = ask("POST", "/v1/operator/nodes/lab/n2/ban", {{"reason", "stolen"}});
    REQUIRE_MESSAGE(banned.status == 200, banned.body.dump());
  }
  std::string kind() {
    return ask("GET", "/v1/document", {}, n2).body.value("kind", std::string("served"));
  }
  std::vector<std::string> refused_by_masters() {
    const auto answer = current.document("lab", "m1");
    return read_document(*answer)->config.banned_machines;
  }
  sample::Answer unban() { return ask("POST", "/v1/operator/nodes/lab/n2/unban"); }
  void check_is_banned() {
    CHECK(kind() == "banned");
    CHECK(find_banned_key(store, key).value() == "lab/n2");
    CHECK(refused_by_masters() == std::vector<std::string>{"n2"});
    const auto status = ask("GET", "/v1/operator/status").body.at("clusters")[0];
    CHECK(status.at("bans") == nlohmann::json::parse(R"([{"node":"n2","reason":"stolen"}])"));
  }
  void check_is_let_in_when_unbanned() {
    REQUIRE(unban().status == 200);
    n2 = machine("n2");
    CHECK(kind() == "served");
    CHECK(refused_by_masters().empty());
    CHECK(store.count(kinds::banned_key).value() == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(BannedHouse, "applied without the machine, and with it again: banned") {
  apply(sample::small_inventory(), true);
  check_is_banned();
  const auto listed = ask("GET", "/v1/operator/nodes?node=n2").body;
  CHECK(listed.at("nodes").empty());
  REQUIRE(listed.at("banned").size() == 1);
  CHECK(listed.at("banned")[0].at("node") == "n2");
  CHECK(listed.at("banned")[0].at("reason") == "stolen");
  apply(with_n2);
  check_is_banned();
  CHECK(ask("GET", "/v1/operator/nodes?node=n2").body.at("nodes")[0].at("state") == "banned");
  CHECK(ask("GET", "/v1/operator/nodes?node=n2").body.at("banned").empty());
  check_is_let_in_when_unbanned();
}

TEST_CASE_FIXTURE(BannedHouse, "rolled back to before the machine, and forth again: banned") {
  const auto go = [&](const char* revision) {
    return ask("POST", "/v1/operator/revisions/rollback",
               {{"cluster", "lab"}, {"revision", revision}, {"remove", true}});
  };
  const auto back = go("1");
  REQUIRE_MESSAGE(back.status == 200, back.body.dump());
  CHECK(current.document("lab", "n2") == nullptr);
  check_is_banned();
  const auto forth = go("2");
  REQUIRE_MESSAGE(forth.status == 200, forth.body.dump());
  check_is_banned();
  check_is_let_in_when_unbanned();
}

TEST_CASE_FIXTURE(BannedHouse,
                  "unbanned while no machine has the name: let in when it comes back") {
  apply(sample::small_inventory(), true);
  const auto unbanned = unban();
  REQUIRE_MESSAGE(unbanned.status == 200, unbanned.body.dump());
  CHECK(ask("GET", "/v1/operator/nodes").body.at("banned").empty());
  apply(with_n2);
  n2 = machine("n2");
  CHECK(kind() == "served");
}

TEST_CASE_FIXTURE(BannedHouse, "the end of its cluster ends the ban of the name, not of the key") {
  REQUIRE(ask("DELETE", "/v1/operator/clusters/lab?confirm=lab").status == 200);
  CHECK(banned_machines(store, "lab")->empty());
  CHECK(find_banned_key(store, key).value() == "lab/n2");
  const auto explained = ask("GET", "/v1/operator/enrolment/" + key).body;
  REQUIRE_MESSAGE(explained.contains("machines"), explained.dump());
  CHECK(explained.at("machines")[0].at("state") == "banned");
  const auto unbanned = unban();
  REQUIRE_MESSAGE(unbanned.status == 200, unbanned.body.dump());
  CHECK(store.count(kinds::banned_key).value() == 0);
  CHECK(unban().body.at("kind") == "no_cluster");
}

TEST_CASE("a member that is banned and removed is listed as banned until it is not") {
  PoolHouse house;
  house.start(2);
  REQUIRE(house.order("w-1", "ban", {{"reason", "stolen"}}).status == 200);
  REQUIRE(house.order("w-1", "remove").status == 200);
  REQUIRE(house.publisher.look());
  CHECK_FALSE(house.is_served("w-1"));
  const auto listed = house.ask("GET", "/v1/operator/nodes").body;
  CHECK(listed.at("banned")[0].at("node") == "w-1");
  CHECK(house.order("w-1", "unban").body.contains("unchanged") == false);
  CHECK(house.order("w-1", "unban").body.at("unchanged") == true);
}
