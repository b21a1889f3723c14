// A restored server is shown what is older than its backup, or by one master of several.
#include "restored_house.hpp"

using namespace muster;

namespace {

// Two masters. n1 was banned by generation 2, and by generation 3, the backup's, no more.
struct OldHouse : sample::RestoredHouse {
  Peer m2 = machine("m2");
  OldHouse() : RestoredHouse(sample::small_inventory() + sample::node("m2", "follower", 12), true) {
    REQUIRE(current.document("lab", "m1")->generation == 3);
  }
  static std::function<void(NodeDocument&)> bans(const std::string& name) {
    return [=](NodeDocument& document) { document.config.banned_machines = {name}; };
  }
  bool is_banned(const std::string& name) {
    return find_machine(store, {"lab", name})->ban.has_value();
  }
};

}  // namespace

TEST_CASE_FIXTURE(OldHouse, "what was signed before the backup teaches nothing") {
  const auto holds = [](NodeDocument& document) {
    document.config.banned_machines = {"n1"};
    document.config.secrets.push_back({"removed", 3, "/etc/removed"});
  };
  CHECK(show(m1, {{"document", document_of("m1", 2, holds)},
                  {"peers", peers_of(2, {"gone", "m1", "m2", "n1"})}})
            .body["taken"] == true);
  show(gone, {{"peers", peers_of(3, {"gone", "m1", "m2", "n1"})}});
  CHECK_FALSE(is_banned("n1"));
  const auto row = sealed();
  CHECK(row["lost"] == nlohmann::json::array());
  CHECK(row["unknown"] == nlohmann::json::array());
  CHECK(row["newerSecrets"] == nlohmann::json::array());
  // Nor is it the word of a master.
  CHECK(row["masterHeard"] == false);
  CHECK(row["unheardMasters"] == nlohmann::json::array({"m1", "m2"}));
  CHECK(open().body["kind"] == "machines_unheard");
  show(m1, {{"document", document_of("m1", 3)}});
  show(m2, {{"document", document_of("m2", 3)}});
  CHECK(sealed()["masterHeard"] == true);
  CHECK(open().status == 200);
}

TEST_CASE_FIXTURE(OldHouse, "a document from before another master's does not ban") {
  show(m2, {{"document", document_of("m2", 9)}});
  show(m1, {{"document", document_of("m1", 8, bans("n1"))}});
  CHECK_FALSE(is_banned("n1"));
}

TEST_CASE_FIXTURE(OldHouse,
                  "what a machine showed gives way to nothing older of the same identity") {
  show(m1, {{"document", document_of("m1", 9)}});
  show(m1, {{"document", document_of("m1", 2)}});
  CHECK(sealed()["heard"][0]["generation"] == 9);
}

TEST_CASE_FIXTURE(OldHouse, "a master that another master's document bans is no master's word") {
  show(m2, {{"document", document_of("m2", 4)}});
  const auto refused = open();
  CHECK(refused.body["kind"] == "machines_unheard");
  CHECK(refused.message().find("at least as new as the backup, heard none from m1:") !=
        std::string::npos);
  show(m1, {{"document", document_of("m1", 5, bans("m2"))}});
  CHECK(sealed()["unheardMasters"] == nlohmann::json::array());
  REQUIRE(open().status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, m2).body["kind"] == "banned");
}

TEST_CASE_FIXTURE(OldHouse, "a ban that one master alone knows is learned after the opening, too") {
  show(m2, {{"document", document_of("m2", 4)}});
  const auto opened = open({{"unheard", true}});
  REQUIRE(opened.status == 200);
  CHECK(
      opened.body["notes"] ==
      nlohmann::json::array(
          {"n1: not heard of since the restore",
           "m1: a ban that it alone knows of is not known yet: it shows what it holds before it is served"}));
  CHECK(ask("GET", "/v1/document", nullptr, m2).status == 200);
  const auto first = ask("GET", "/v1/document", nullptr, m1);
  CHECK(first.status == 503);
  CHECK(first.body["kind"] == "sealed");
  CHECK(
      first.message() ==
      "machine 'lab/m1': not heard of before its cluster was opened: it shows what it holds first");
  SUBCASE("by what it shows") {
    CHECK(show(m1, {{"document", document_of("m1", 5, bans("m2"))}}).status == 200);
    CHECK(is_banned("m2"));
    CHECK(ask("GET", "/v1/document", nullptr, m2).body["kind"] == "banned");
    CHECK(ask("GET", "/v1/document", nullptr, m1).status == 200);
    CHECK(show(m1, nlohmann::json::object()).body["kind"] == "not_sealed");
  }
  SUBCASE("what is older than the backup teaches nothing then either") {
    CHECK(show(m1, {{"document", document_of("m1", 2, bans("n1"))}}).status == 200);
    CHECK_FALSE(is_banned("n1"));
    CHECK(ask("GET", "/v1/document", nullptr, m1).status == 503);
  }
  SUBCASE("an agent that shows nothing is served after ten minutes") {
    time += std::chrono::minutes(10);
    CHECK(ask("GET", "/v1/document", nullptr, m1).status == 200);
  }
}
