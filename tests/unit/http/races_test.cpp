// What others commit between a decision's look at the records and its commit: it is looked at
// again.
#include "enrolment/ban.hpp"
#include "enrolment/pending.hpp"
#include "records/drain.hpp"
#include "sample_on_demand.hpp"
#include "sample_pool.hpp"

using namespace muster;
using namespace std::chrono_literals;
using sample::House;
using sample::OnDemand;
using sample::PoolHouse;

namespace {

// Three masters of a pool, and a node.
struct ThreeMasters : PoolHouse {
  ThreeMasters() {
    start(1);
    for (const int i : {2, 3}) {
      admit(fmt::format("m-{}", i), Role::follower, i);
      report(fmt::format("m-{}", i));
    }
  }
  sample::Answer remove(const std::string& name) {
    return order(name, "remove", {{"drain", false}});
  }
  [[nodiscard]] bool is_there(const std::string& name) const {
    return find_member(site.memory, "lab", name).value()->record.removed_at == 0;
  }
  // Once, when a removal has looked at the masters and chooses who has the first one's role then.
  void when_the_heir_is_chosen(std::function<void()> deed) {
    hooked.on_read = [deed = std::move(deed), is_done = false](auto kind, auto key) mutable {
      if (is_done || kind != kinds::member || key != "lab/") return;
      is_done = true;
      deed();
    };
  }
};

// Listed machines, which come with a token of their cluster.
struct Listed : House {
  static std::string text(const std::vector<int>& nodes,
                          const std::string& masters = sample::node("m1", "master", 11)) {
    std::string made = sample::cluster("  nodeCidr: 10.77.0.0/16\n") + masters;
    for (const int i : nodes)
      made += sample::node(fmt::format("n{}", i), "node", 20 + i,
                           fmt::format(", match: {{mac: ['{}']}}", mac(20 + i)));
    return made;
  }
  static std::string mac(int last) { return fmt::format("02:4d:55:00:00:{:02x}", last); }
  std::string token() {
    return create_join_token(enrolment, {"lab", {}, {}, Role::node, 3, 1h}, "anna")->text;
  }
  Result<EnrolOutcome> enrol(const PrivateKey& key, int hardware, const std::string& token_text) {
    EnrolRequest request;
    request.proof.nonce = nonces.issue();
    request.proof.csr_pem = CertificateRequest::create(key, "x")->pem();
    request.proof.signature =
        key.sign(proof_message(ProofPurpose::enrol, request.proof.nonce, request.proof.csr_pem))
            .value();
    request.token = token_text;
    request.hints.macs = {mac(hardware)};
    return muster::enrol(enrolment, request, "10.77.0.99");
  }
};

PrivateKey new_key() {
  return PrivateKey::generate_p256().value();
}

}  // namespace

TEST_CASE_FIXTURE(OnDemand, "a cluster that is extended while its end is carried out lives on") {
  create("ci");
  time += 4h;
  hooked.before_commit = [&] {
    const auto extended = ask("POST", "/v1/operator/clusters/ci/extend", {{"ttlSeconds", 28800}});
    REQUIRE_MESSAGE(extended.status == 200, extended.body.dump());
  };
  REQUIRE(scheduler.carry_out_due());
  CHECK(ask("GET", "/v1/operator/clusters").body["clusters"].size() == 1);
  CHECK(audit("cluster-expired").empty());
  pass(8h);
  CHECK(audit("cluster-expired") == std::vector<std::string>{"expiry ci"});
}

TEST_CASE_FIXTURE(OnDemand, "a cluster whose record is written while its time is over ends") {
  create("ci");
  time += 4h;
  hooked.before_commit = [&] {
    REQUIRE(ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", 3}}).status == 200);
  };
  REQUIRE(scheduler.carry_out_due());
  CHECK(audit("cluster-expired") == std::vector<std::string>{"expiry ci"});
}

TEST_CASE_FIXTURE(ThreeMasters, "of the last two masters that are removed at once one stays") {
  REQUIRE(remove("m-3").status == 200);
  when_the_heir_is_chosen([&] { REQUIRE(remove("m-2").status == 200); });
  const auto refused = remove("m-1");
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "last_master");
  CHECK(is_there("m-1"));
}

TEST_CASE_FIXTURE(ThreeMasters, "of the last followers beside a banned master one stays") {
  REQUIRE(order("m-1", "ban").status == 200);
  hooked.before_commit = [&] { REQUIRE(remove("m-3").status == 200); };
  const auto refused = remove("m-2");
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "last_master");
  CHECK(is_there("m-2"));
}

TEST_CASE_FIXTURE(ThreeMasters, "a master is not removed where the other is banned meanwhile") {
  REQUIRE(remove("m-3").status == 200);
  hooked.before_commit = [&] { REQUIRE(order("m-2", "ban").status == 200); };
  const auto refused = remove("m-1");
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "last_master");
  CHECK(is_there("m-1"));
}

TEST_CASE_FIXTURE(ThreeMasters, "who counts on a master that leaves at once asks once more") {
  hooked.before_commit = [&] { REQUIRE(remove("m-2").status == 200); };
  CHECK(remove("m-1").status == 200);
  CHECK_FALSE(is_there("m-1"));
  CHECK(is_there("m-3"));
}

TEST_CASE_FIXTURE(ThreeMasters, "a drained master stays where the last beside it is removed") {
  REQUIRE(remove("m-3").status == 200);
  REQUIRE(order("m-1", "remove").body.at("draining") == true);
  report("m-2", duties({{{"node", "m-1"}, {"done", true}, {"message", ""}}}));
  when_the_heir_is_chosen([&] { REQUIRE(remove("m-2").status == 200); });
  REQUIRE(finish_drains(rooms));
  CHECK(is_there("m-1"));
  report("m-1", duties({{{"node", "m-1"}, {"done", true}, {"message", ""}}}));
  REQUIRE(finish_drains(rooms));
  CHECK(is_there("m-1"));
  CHECK(state("m-1") == "drain-given-up");
}

TEST_CASE("a removal that is taken back while it is carried out is taken back") {
  PoolHouse house;
  house.start(2);
  REQUIRE(house.order("w-1", "remove").body.at("draining") == true);
  house.report("m-1", house.duties({{{"node", "w-1"}, {"done", true}, {"message", ""}}}));
  SUBCASE("after its drain") {}
  SUBCASE("without one") {
    const auto found = find_drain(house.store, "lab", "w-1").value();
    DrainRecord record = found->record;
    record.undrained = "it never reported";
    Transaction transaction;
    transaction.put(kinds::drain, "lab/w-1", to_json(record));
    REQUIRE(house.store.commit(transaction));
  }
  house.hooked.before_commit = [&] { REQUIRE(house.order("w-1", "undrain").status == 200); };
  REQUIRE(finish_drains(house.rooms));
  CHECK(find_member(house.store, "lab", "w-1").value()->record.removed_at == 0);
  CHECK(house.ask("GET", "/v1/document", {}, house.peers["w-1"]).status == 200);
  CHECK(house.state("w-1") == "enrolled");
}

TEST_CASE_FIXTURE(OnDemand,
                  "what a machine says while it is replaced is not its successor's word") {
  create("ci");
  enrolled("ci", "m", 1);
  const Machine old = enrolled("ci", "w", 2);
  Report report;
  report.machine_id = "old";
  report.boot_id = "b";
  report.counter = 1;
  const auto tell = [&](const Machine& machine) {
    return ask("POST", "/v1/report", nlohmann::json::parse(to_json(report)), machine.peer);
  };
  Machine next;
  hooked.before_commit = [&] {
    REQUIRE(ask("POST", "/v1/operator/nodes/ci/w-1/replace").status == 200);
    next = enrolled("ci", "w", 2);
  };
  const auto late = tell(old);
  CHECK(late.status == 403);
  CHECK(late.body.at("kind") == "superseded");
  const auto shown = ask("GET", "/v1/operator/nodes/ci/w-1").body;
  CHECK(shown.value("report", nlohmann::json()).is_null());
  report.machine_id = "new";
  CHECK(tell(next).status == 200);
  CHECK(find_machine(store, {"ci", "w-1"})->record.boots.size() == 1);
}

TEST_CASE_FIXTURE(Listed, "a machine that is taken out while it enrols is not let in") {
  std::string masters = sample::node("m1", "master", 11);
  SUBCASE("of a cluster that is served") {}
  SUBCASE("of one that awaits its masters") {
    masters = sample::pool("m", "master");
  }
  apply(text({1, 2, 3}, masters));
  const std::string text_of_token = token();
  const PrivateKey key = new_key();
  hooked.before_commit = [&] { apply(text({1, 2}, masters), true); };
  const auto outcome = enrol(key, 23, text_of_token);
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  CHECK(outcome->pending);
  CHECK_FALSE(store.get(kinds::machine, "lab/n3"));
  // Listed again, it comes by its token, like any other.
  apply(text({1, 2, 3}, masters));
  CHECK_FALSE(find_machine(store, {"lab", "n3"})->record.current);
  CHECK_FALSE(enrol(key, 23, text_of_token)->pending);
}

TEST_CASE_FIXTURE(Listed, "a machine that is taken out while it is approved is not approved") {
  apply(text({1, 2, 3}));
  const PrivateKey key = new_key();
  REQUIRE(enrol(key, 23, "")->pending);
  const std::string fingerprint = key.public_key().fingerprint();
  bool is_done = false;
  hooked.on_read = [&](auto kind, auto) {
    if (std::exchange(is_done, is_done || kind == kinds::sealed)) return;
    if (is_done) apply(text({1, 2}), true);
  };
  const auto approved =
      ask("POST", "/v1/operator/approve", {{"name", "n3"}, {"fingerprint", fingerprint}});
  CHECK(approved.status != 200);
  CHECK(find_pending(enrolment, fingerprint)->machine.approved.node.empty());
}

TEST_CASE_FIXTURE(Listed,
                  "a machine that is listed again while what is left of it is removed stays") {
  apply(text({1, 2, 3}));
  const PrivateKey key = new_key();
  const std::string text_of_token = token();
  apply(text({1, 2}), true);
  hooked.before_commit = [&] {
    apply(text({1, 2, 3}));
    REQUIRE_FALSE(enrol(key, 23, text_of_token)->pending);
  };
  const auto answer = ask("POST", "/v1/operator/nodes/lab/n3/remove", {{"drain", false}});
  CHECK(answer.status == 409);
  CHECK(answer.body.at("kind") == "still_listed");
  CHECK(find_machine(store, {"lab", "n3"})->record.current);
}

TEST_CASE("an unfreeze for a machine that waits, killed at any commit, is repeated to its end") {
  for (std::size_t last = 0; last < 4; ++last) {
    CAPTURE(last);
    Listed house;
    house.apply(Listed::text({1}));
    house.machine("n1");
    const PrivateKey key = new_key();
    REQUIRE(house.enrol(key, 99, "")->pending);
    REQUIRE(freeze(house.enrolment, {"lab", "n1"}, "two of them", "server"));
    const auto unfreeze = [&] {
      return house.ask("POST", "/v1/operator/nodes/lab/n1/unfreeze",
                       {{"keep", key.public_key().fingerprint()}});
    };
    house.hooked.commits_left = last;
    static_cast<void>(unfreeze());
    house.hooked.commits_left = std::numeric_limits<std::size_t>::max();
    REQUIRE(house.views.load());
    const auto again = unfreeze();
    CHECK_MESSAGE(again.status == 200, again.body.dump());
    const auto outcome = house.enrol(key, 99, "");
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    CHECK_FALSE(outcome->pending);
    CHECK(find_machine(house.store, {"lab", "n1"})->record.current->key ==
          key.public_key().fingerprint());
  }
}

TEST_CASE_FIXTURE(Listed,
                  "an unfreeze that is refused leaves the freeze, and all else, as it was") {
  apply(text({1, 2}));
  machine("n1");
  const PrivateKey key = new_key();
  REQUIRE(enrol(key, 22, "")->pending);  // with the hardware of n2
  REQUIRE(freeze(enrolment, {"lab", "n1"}, "two of them", "server"));
  const auto refused =
      ask("POST", "/v1/operator/nodes/lab/n1/unfreeze", {{"keep", key.public_key().fingerprint()}});
  CHECK(refused.status == 409);
  CHECK(refused.body.at("kind") == "matches_other");
  CHECK(find_machine(store, {"lab", "n1"})->record.frozen);
}
