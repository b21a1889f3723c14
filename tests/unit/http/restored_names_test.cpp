// After a restore: who is banned, and who has a name, by what the machines show.
#include "records/bans.hpp"
#include "restored_house.hpp"

using namespace muster;
using sample::RestoredHouse;

namespace {

auto refuses(const std::vector<std::string>& names) {
  return [names](NodeDocument& document) { document.config.banned_machines = names; };
}

struct BansHouse : RestoredHouse {
  std::optional<std::string> banned_as(const Peer& peer) {
    return find_banned_key(store, peer.certificate->public_key().fingerprint()).value();
  }
};

}  // namespace

TEST_CASE_FIXTURE(BansHouse, "a ban is learned of whom the backup has no record of, with its key") {
  const Peer n2 = renewed("n2");
  SUBCASE("it shows what it holds before the master does") {
    show(n2, {{"document", document_of("n1", 8, [](auto& it) { it.role.node = "n2"; })}});
    show(m1, {{"document", document_of("m1", 9, refuses({"n2", "n3"}))}});
  }
  SUBCASE("and after it") {
    show(m1, {{"document", document_of("m1", 9, refuses({"n2", "n3"}))}});
    show(n2, nlohmann::json::object());
    show(n2, nlohmann::json::object());
  }
  CHECK(sealed()["banned"] == nlohmann::json::array({"n2", "n3"}));
  CHECK(sealed()["unknown"] == nlohmann::json::array());
  CHECK(banned_as(n2) == "lab/n2");
  REQUIRE(find_ban(store, "lab", "n3")->has_value());
  CHECK(find_ban(store, "lab", "n3")->value().reason ==
        "the API servers refuse it by generation 9, which is newer than the backup");
  CHECK(find_ban(store, "lab", "n3")->value().by == "restore");
  REQUIRE(open().status == 200);
  CHECK(ask("GET", "/v1/document", nullptr, n2).body["kind"] == "banned");
  const auto served = ask("GET", "/v1/document", nullptr, m1);
  REQUIRE(served.status == 200);
  CHECK(parse_node_document(parse_envelope(served.body.dump())->payload)->config.banned_machines ==
        std::vector<std::string>{"n2", "n3"});
}

TEST_CASE_FIXTURE(BansHouse, "of a banned machine each key that it shows is barred") {
  const Peer later = renewed("n1");
  show(m1, {{"document", document_of("m1", 9, refuses({"n1"}))}});
  CHECK(banned_as(n1) == "lab/n1");
  CHECK_FALSE(banned_as(later));
  show(later, nlohmann::json::object());
  CHECK(banned_as(later) == "lab/n1");
}

TEST_CASE_FIXTURE(BansHouse,
                  "who left before the backup is banned only where it has a place again") {
  apply(sample::small_inventory() + sample::node("n2", "node", 22), true);
  apply(sample::small_inventory(), true);
  REQUIRE(find_cluster(store, "lab")->record.departed.contains("n2"));
  bool is_listed = false;
  SUBCASE("none") {}
  SUBCASE("by the machines' peer list") {
    is_listed = true;
  }
  auto peers = std::vector<std::string>{"m1", "n1"};
  if (is_listed) peers.emplace_back("n2");
  show(m1, {{"document", document_of("m1", 9, refuses({"n2"}))}, {"peers", peers_of(9, peers)}});
  CHECK(find_ban(store, "lab", "n2")->has_value() == is_listed);
}

namespace {

struct NamesHouse : RestoredHouse {
  static std::string key_of(const Peer& peer) {
    return peer.certificate->public_key().fingerprint();
  }
  void shows(const Peer& peer, std::uint64_t generation) {
    show(peer, {{"document", document_of("n1", generation)}});
  }
  std::string answer_to(const Peer& peer) {
    const auto answer = ask("GET", "/v1/document", nullptr, peer);
    return answer.status == 200 ? "served" : answer.body["kind"].get<std::string>();
  }
  nlohmann::json disputed() { return sealed()["disputed"]; }
  nlohmann::json opened() { return open({{"unheard", true}}).body["notes"]; }
};

}  // namespace

TEST_CASE_FIXTURE(NamesHouse, "of two keys the one that the site signed later has the name") {
  time += std::chrono::minutes(1);
  const Peer later = renewed("n1");
  SUBCASE("the older one is not heard") {}
  SUBCASE("the older one shows what it had") {
    shows(n1, 7);
  }
  shows(later, 9);
  CHECK(disputed() == nlohmann::json::array());
  CHECK(opened()[0] ==
        fmt::format("n1: key {} has it, which the site signed after the backup was made",
                    key_of(later)));
  // Also before the newer one comes.
  CHECK(answer_to(n1) == "superseded");
  CHECK(answer_to(later) == "served");
  CHECK(answer_to(n1) == "superseded");
  CHECK_FALSE(find_machine(store, {"lab", "n1"})->record.frozen);
}

TEST_CASE_FIXTURE(NamesHouse, "where no signature decides between two keys both wait") {
  Peer older = n1, newer = renewed("n1");
  SUBCASE("the older one was served something later") {
    shows(n1, 10);
    shows(newer, 9);
  }
  SUBCASE("both were signed in one second") {
    older = renewed("n1");
    shows(older, 9);
    shows(newer, 9);
  }
  SUBCASE("the one that the backup has is newer, and is not heard") {
    time -= std::chrono::hours(2);
    newer = n1;
    older = renewed("n1");
    time += std::chrono::hours(2);
    shows(older, 9);
  }
  REQUIRE(disputed().size() == 1);
  CHECK(disputed()[0]["node"] == "n1");
  auto keys = disputed()[0]["keys"].get<std::vector<std::string>>();
  std::sort(keys.begin(), keys.end());
  auto expected = std::vector{key_of(older), key_of(newer)};
  std::sort(expected.begin(), expected.end());
  CHECK(keys == expected);
  opened();
  const auto record = find_machine(store, {"lab", "n1"})->record;
  CHECK(record.frozen);
  CHECK(
      record.freeze_reason ==
      fmt::format(
          "since the restore, keys {} and {} claim this name, and no signature says which of them has it",
          record.current->key, record.claimant->key));
  const Peer& claimant = record.claimant->key == key_of(older) ? older : newer;
  const Peer& current = record.claimant->key == key_of(older) ? newer : older;
  const auto told = ask("GET", "/v1/document", nullptr, claimant);
  CHECK(told.body["kind"] == "frozen");
  CHECK(
      told.message() ==
      fmt::format(
          "machine 'n1': frozen: {0}; an operator decides with `muster node unfreeze n1 --keep {1}`, or with the other's key",
          record.freeze_reason, key_of(claimant)));
  CHECK(identify(enrolment, *current.certificate)->frozen);
  time += std::chrono::minutes(1);
  REQUIRE(unfreeze(enrolment, {"lab", "n1"}, key_of(claimant), "operator anna"));
  CHECK(answer_to(claimant) == "served");
  CHECK(answer_to(current) == "superseded");
}

TEST_CASE_FIXTURE(NamesHouse, "a member that two keys claim is not let in by itself") {
  apply_with_pool();
  for (const Peer& peer : {renewed("ci-1"), renewed("ci-1")})
    show(peer, {{"document", document_of("n1", 9, as_member("ci-1", "10.77.9.1"))},
                {"peers", peers_of(9, {"ci-1", "m1", "n1"})}});
  show(m1, {{"document", document_of("m1", 9)}});
  CHECK(open({{"members", true}}).body["kind"] == "machines_dropped");
}

TEST_CASE_FIXTURE(NamesHouse, "a key that comes once its cluster is open has its name still") {
  time += std::chrono::minutes(1);
  const Peer middle = renewed("n1");
  time += std::chrono::minutes(1);
  const Peer later = renewed("n1");
  REQUIRE(begin_anew(store, folder.path("mark"), KeptBackup{1, unix_seconds(time) - 600, "", ""},
                     time));
  opened();
  time += std::chrono::minutes(1);
  CHECK(answer_to(n1) == "served");
  SUBCASE("nobody else has renewed the name since") {
    CHECK(answer_to(middle) == "served");
    CHECK(answer_to(later) == "served");
    CHECK(answer_to(middle) == "superseded");
    CHECK(answer_to(n1) == "superseded");
  }
  SUBCASE("the older key renewed its identity") {
    auto found = find_machine(store, {"lab", "n1"}).value();
    rotate(found.record, key_of(n1), {"sha256:new", "1", 0, unix_seconds(time)});
    Transaction transaction;
    put_machine(found, transaction);
    REQUIRE(store.commit(transaction));
    CHECK(answer_to(later) == "frozen");
    CHECK(find_machine(store, {"lab", "n1"})->record.claimant->key == key_of(later));
    CHECK(answer_to(n1) == "superseded");
    SUBCASE("and is kept") {
      REQUIRE(unfreeze(enrolment, {"lab", "n1"}, "sha256:new", "operator anna"));
      CHECK(answer_to(later) == "superseded");
    }
    SUBCASE("and is not") {
      REQUIRE(unfreeze(enrolment, {"lab", "n1"}, key_of(later), "operator anna"));
      CHECK(answer_to(later) == "served");
    }
  }
  SUBCASE("a machine enrolled since") {
    auto found = find_machine(store, {"lab", "n1"}).value();
    take_over(found.record, {"sha256:new", "1", 0, unix_seconds(time)});
    Transaction transaction;
    put_machine(found, transaction);
    REQUIRE(store.commit(transaction));
    CHECK(answer_to(later) == "superseded");
  }
  SUBCASE("it was banned") {
    REQUIRE(ban(enrolment, {"lab", "n1"}, "stolen", "operator anna"));
    CHECK(answer_to(later) != "served");
    CHECK(find_machine(store, {"lab", "n1"})->record.current->key == key_of(n1));
  }
}
