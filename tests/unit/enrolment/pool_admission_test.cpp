#include "enrolment/pool_admission.hpp"

#include "enrolment/remove.hpp"
#include "pki/signature.hpp"
#include "publish/publisher.hpp"
#include "publish/retired_members.hpp"
#include "sample_enrolment.hpp"
#include "trust/site_keys.hpp"

using namespace muster;
using namespace sample;

namespace {

Result<EnrolOutcome> enrol_at(Enrolment& site, const std::string& address, const Machine& machine,
                              const std::string& token) {
  return muster::enrol(site.context, site.request(machine, token), address);
}

std::string name_at(Enrolment& site, const std::string& address, const Machine& machine,
                    const std::string& token) {
  const auto outcome = enrol_at(site, address, machine, token);
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  REQUIRE_FALSE(outcome->pending);
  return Certificate::from_pem(outcome->certificate_pem)->common_name();
}

std::uint32_t left(Enrolment& site, const std::string& token) {
  return find_join_token(site.store, token)->token.remaining;
}

}  // namespace

TEST_CASE("members get the lowest free name, and the address that they came from") {
  Enrolment site;
  const std::string token = site.pool_token(3);
  CHECK(name_at(site, "10.77.1.5", {}, token) == "ci-1");
  CHECK(name_at(site, "10.77.1.4", {}, token) == "ci-2");
  const auto member = find_member_at(site.store, "10.77.1.4");
  REQUIRE(*member);
  CHECK((*member)->record.node == "ci-2");
  CHECK((*member)->record.pool == "ci");
  CHECK((*member)->record.role == Role::node);
  CHECK(left(site, token) == 1);
  const auto rows = site.audit("member-admitted");
  REQUIRE(rows.size() == 2);
  // Rows of one microsecond have no order among them: this site's clock stands still.
  const std::string row = "10.77.1.5 lab/ci-1 pool ci, by join token ";
  CHECK((rows[0].starts_with(row) || rows[1].starts_with(row)));
}

TEST_CASE("what a machine says of itself makes it no other machine") {
  Enrolment site;
  Machine greedy{.hardware = 11};  // the listed master's
  CHECK(name_at(site, "10.77.1.5", greedy, site.pool_token()) == "ci-1");
  CHECK((*find_member(site.store, "lab", "ci-1"))->record.role == Role::node);
}

TEST_CASE("the same key is told the same again, for nothing, though its token is spent") {
  Enrolment site;
  const std::string token = site.pool_token(1);
  const Machine machine;
  CHECK(name_at(site, "10.77.1.5", machine, token) == "ci-1");
  CHECK(name_at(site, "10.77.1.5", machine, token) == "ci-1");
  CHECK(left(site, token) == 0);
  CHECK(refusal(enrol_at(site, "10.77.1.6", {}, token)).starts_with("token_exhausted: "));
}

TEST_CASE("an address outside the ranges is refused") {
  Enrolment site;
  const std::string token = site.pool_token(3);
  CHECK(
      refusal(enrol_at(site, "10.77.2.5", {}, token)) ==
      "address_outside: pool 'lab/ci': expected a machine at an address in 10.77.1.0/24, found one at 10.77.2.5; correct its network, or the pool's spec.addressRanges");
  CHECK(refusal(enrol_at(site, "fe80::1", {}, token)).starts_with("address_outside: "));
  CHECK(left(site, token) == 3);
}

TEST_CASE("an address that somebody has is refused") {
  Enrolment site;
  const std::string token = site.pool_token(3);
  CHECK(name_at(site, "10.77.1.5", {}, token) == "ci-1");
  CHECK(
      refusal(enrol_at(site, "10.77.1.5", {}, token)) ==
      "address_taken: pool 'lab/ci': another key at the address 10.77.1.5 is 'lab/ci-1'; if that machine is gone, an operator orders `muster node replace ci-1`");
  CHECK(
      refusal(enrol_at(site, "10.77.1.11", {}, token)) ==
      "address_taken: pool 'lab/ci': node 'lab/m1' has the address 10.77.1.11; give this machine another one");
  CHECK(left(site, token) == 2);
}

TEST_CASE("a full pool takes nobody; a removed member's name, address and network wait") {
  Enrolment site;
  const std::string token = site.pool_token(10);
  for (const char* address : {"10.77.1.1", "10.77.1.2", "10.77.1.3"})
    name_at(site, address, {}, token);
  CHECK(
      refusal(enrol_at(site, "10.77.1.4", {}, token)) ==
      "pool_full: pool 'lab/ci': its 3 members are there; raise the pool's spec.maximum, or remove one with `muster node remove`, whose name is free again some minutes later");
  REQUIRE(remove_machine(site.context, {"lab", "ci-2"}, "operator anna"));
  CHECK_FALSE(site.record("ci-2").current);
  CHECK(refusal(enrol_at(site, "10.77.1.4", {}, token)).starts_with("pool_full: "));
  CHECK(
      refusal(enrol_at(site, "10.77.1.2", {}, token)) ==
      "address_taken: pool 'lab/ci': the address 10.77.1.2 was that of 'lab/ci-2', which was removed a short time ago; it is free again some minutes after that");
  const auto quarantine = std::chrono::minutes(15);
  const std::int64_t removed = unix_seconds(site.now);
  PublicationMemory memory;
  const auto release = [&](std::int64_t at) {
    const NodeObjects none{false, nullptr, {}};
    return release_retired_members(site.store, memory, "lab", at, quarantine, none)->released;
  };
  CHECK(release(removed + 899) == 0);
  CHECK(release(removed + 900) == 1);
  CHECK(release(removed + 901) == 0);
  CHECK(name_at(site, "10.77.1.2", {}, token) == "ci-2");
}

TEST_CASE("a member that is replaced keeps its name and address") {
  Enrolment site;
  const std::string token = site.pool_token(2);
  const Machine first, second;
  CHECK(name_at(site, "10.77.1.5", first, token) == "ci-1");
  FoundMachine found = *find_machine(site.store, {"lab", "ci-1"});
  found.record.replace_ordered = true;
  Transaction transaction;
  put_machine(found, transaction);
  REQUIRE(site.store.commit(transaction));
  CHECK(name_at(site, "10.77.1.5", second, token) == "ci-1");
  CHECK(left(site, token) == 0);
  CHECK(site.record("ci-1").current->key == second.fingerprint());
  CHECK(refusal(enrol_at(site, "10.77.1.5", first, token)).starts_with("address_taken: "));
}

TEST_CASE("a member whose cluster awaits masters waits without an operator, admitted once") {
  Enrolment site;
  const SealingKey sealing(random_bytes(32));
  const SiteKeys keys =
      initialise_site(site.store, sealing, {{"http://a:1"}, {"https://a:2"}, {"https://a:3"}},
                      site.now)
          .value();
  Quarantine quarantine;
  CurrentDocuments current(quarantine);  // of a cluster that serves nobody yet
  const PublishContext publishing{site.store, sealing,    keys,
                                  current,    quarantine, [&] { return site.now; }};
  Publisher publisher(publishing);
  site.context.publisher = &publisher;
  const std::string token = site.pool_token(2);
  REQUIRE(site.store.commit(Transaction().remove(kinds::cluster, "lab")));
  const Machine machine;
  const auto waiting = enrol_at(site, "10.77.1.5", machine, token);
  REQUIRE(waiting);
  CHECK(waiting->pending);
  CHECK(waiting->poll_after == 1s);
  CHECK(enrol_at(site, "10.77.1.5", machine, token)->pending);
  CHECK(left(site, token) == 1);
  CHECK(site.store.list(kinds::pending)->empty());
  site.context.publisher = nullptr;
  CHECK(name_at(site, "10.77.1.5", machine, token) == "ci-1");
}

TEST_CASE("a pool that is gone takes nobody") {
  Enrolment site;
  const std::string token = site.pool_token();
  Inventory without = sample::inventory();
  without.pools.clear();
  site.inventory = std::make_shared<const EnrolmentInventory>(without);
  CHECK(
      refusal(enrol_at(site, "10.77.1.5", {}, token)) ==
      "pool_unknown: pool 'lab/ci': not in the inventory any more; apply one that names it, or use a token of another pool");
}

TEST_CASE("a token is for a node or for a pool that there is") {
  Enrolment site;
  NewJoinToken order;
  order.cluster = "lab";
  order.pool = "web";
  CHECK(refusal(create_join_token(site.context, order, "operator anna")) ==
        "not_found: pool 'lab/web': not in the inventory; apply an inventory that names it");
  order.node = "n1";
  CHECK(refusal(create_join_token(site.context, order, "operator anna"))
            .find("/pool: expected a node or a pool, found both") != std::string::npos);
}

TEST_CASE("a member's record is read back as it was written, and nothing else") {
  MemberRecord record{"lab", "m-1", "m", Role::master, "10.77.1.1", "sha256:aa", 5, 7};
  const auto read = parse_member_record(to_json(record));
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(record));
  CHECK_FALSE(parse_member_record(R"({"cluster":"lab"})"));
}
