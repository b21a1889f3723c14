#include "enrolment/member_proof.hpp"

#include "document/time_text.hpp"
#include "enrolment/remove.hpp"
#include "fakes/cms_signer.hpp"
#include "fakes/unreadable.hpp"
#include "pki/signature.hpp"
#include "publish/retired_members.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {

// The pool "ci" asks for a token and an instance identity of one account in one region.
struct Cloud : Enrolment {
  Inventory written = sample::inventory();

  Cloud() {
    NodePool& pool = written.pools.front();
    pool.proofs = {{"token", {}}, {"instanceIdentity", {}}};
    InstancePolicy policy;
    policy.accounts = {{"123456789012", {}}};
    policy.regions = {{"eu-central-1", {}}};
    pool.instance_identity = policy;
    publish();
    context.regions = {{"eu-central-1", frankfurt().certificate()}};
  }
  void publish() { inventory = std::make_shared<const EnrolmentInventory>(written); }
  InstancePolicy& policy() { return *written.pools.front().instance_identity; }

  // Of the instance `last` at 10.77.1.`last`, launched `age` ago.
  std::string document(int last, std::chrono::seconds age = 1min,
                       const std::string& account = "123456789012") {
    return base64_encode(frankfurt().sign(fmt::format(
        R"({{"accountId":"{}","region":"eu-central-1","instanceId":"i-{:017x}","imageId":"ami-5fb8c835","privateIp":"10.77.1.{}","pendingTime":"{}"}})",
        account, last, last, utc_text(now - age))));
    ;
  }
  Result<EnrolOutcome> enrol_with(const std::string& source, const Machine& machine,
                                  const std::string& token_text, const std::string& identity) {
    EnrolRequest made = request(machine, token_text);
    made.instance_identity = identity;
    return muster::enrol(context, made, source);
  }
  std::string name_with(const std::string& source, const Machine& machine,
                        const std::string& token_text, const std::string& identity) {
    const auto outcome = enrol_with(source, machine, token_text, identity);
    REQUIRE_MESSAGE(outcome, outcome.error().message);
    REQUIRE_FALSE(outcome->pending);
    return Certificate::from_pem(outcome->certificate_pem)->common_name();
  }
  std::uint32_t left(const std::string& token_text) {
    return find_join_token(store, token_text)->token.remaining;
  }
  void order_replacement() {
    FoundMachine found = *find_machine(store, {"lab", "ci-1"});
    found.record.replace_ordered = true;
    Transaction transaction;
    put_machine(found, transaction);
    REQUIRE(store.commit(transaction));
  }
};

}  // namespace

TEST_CASE("a token and an instance identity together let an instance in, and spend both") {
  Cloud site;
  const std::string token = site.pool_token(2);
  const Machine machine;
  CHECK(site.name_with("10.77.1.5", machine, token, site.document(5)) == "ci-1");
  const auto use = find_instance_use(site.store, "i-00000000000000005");
  REQUIRE(use);
  CHECK(use->use.key == machine.fingerprint());
  CHECK(use->use.node == "ci-1");
  CHECK(site.audit("member-admitted").front().find("and instance i-00000000000000005, key ") !=
        std::string::npos);
  CHECK(site.left(token) == 1);
}

TEST_CASE("one proof without the other lets nobody in") {
  Cloud site;
  const std::string token = site.pool_token();
  CHECK(
      refusal(site.enrol_with("10.77.1.5", {}, token, "")) ==
      "proof_missing: pool 'lab/ci': expected token and instanceIdentity, found a token alone; start the machine on EC2, or take instanceIdentity out of the pool's spec.proofs");
  CHECK(site.left(token) == 1);
  // Without a token nothing says which pool is meant: it waits for an operator like anybody.
  CHECK(site.enrol_with("10.77.1.5", {}, "", site.document(5))->pending);
  CHECK(find_instance_use(site.store, "i-00000000000000005")->version == 0);
}

TEST_CASE("a pool that asks for a token alone looks at nothing else") {
  Cloud site;
  site.written.pools.front().proofs = {{"token", {}}};
  site.written.pools.front().instance_identity.reset();
  site.publish();
  CHECK(site.name_with("10.77.1.5", {}, site.pool_token(), "no document at all") == "ci-1");
}

TEST_CASE("a second key comes to nothing with the document of the first") {
  Cloud site;
  const std::string token = site.pool_token(3), document = site.document(5);
  const Machine machine;
  CHECK(site.name_with("10.77.1.5", machine, token, document) == "ci-1");
  const std::string refused =
      "identity_document_used: instance identity document: another key used that of i-00000000000000005 and is 'lab/ci-1'; if it lost its key, an operator orders `muster node replace ci-1`, else launch another instance";
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, document)) == refused);
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, document)) == refused);
  CHECK(site.left(token) == 2);
  CHECK(site.record("ci-1").current->key == machine.fingerprint());
  const auto rows = site.audit("enrolment-refused");
  REQUIRE(rows.size() == 1);
  CHECK(rows.front().starts_with("10.77.1.5 lab/ci-1 2 times; the first: " + refused +
                                 ", asked with sha256:"));
}

TEST_CASE("the same key is told the same again, though its document has grown old") {
  Cloud site;
  const std::string token = site.pool_token(1), document = site.document(5);
  const Machine machine;
  CHECK(site.name_with("10.77.1.5", machine, token, document) == "ci-1");
  site.now += 1h;
  CHECK(site.name_with("10.77.1.5", machine, token, document) == "ci-1");
  CHECK(refusal(site.enrol_with("10.77.1.6", {}, site.pool_token(), site.document(6, 901s)))
            .starts_with("identity_document_age: "));
}

TEST_CASE("a removed instance does not come back by its document") {
  Cloud site;
  site.policy().maximum_age = 24h;
  site.publish();
  const std::string document = site.document(5);
  const Machine machine;
  CHECK(site.name_with("10.77.1.5", machine, site.pool_token(), document) == "ci-1");
  REQUIRE(remove_machine(site.context, {"lab", "ci-1"}, "operator anna"));
  site.now += 1h;
  const NodeObjects none{false, nullptr, {}};
  PublicationMemory memory;
  CHECK(release_retired_members(site.store, memory, "lab", unix_seconds(site.now), 15min, none)
            ->released == 1);
  CHECK(
      refusal(site.enrol_with("10.77.1.5", machine, site.pool_token(), document)) ==
      "identity_document_used: instance identity document: i-00000000000000005 was 'lab/ci-1', which is removed, and is let in once; launch another instance");
}

TEST_CASE("a use is forgotten when its member is gone and its document too old for anybody") {
  Cloud site;
  CHECK(site.name_with("10.77.1.5", {}, site.pool_token(), site.document(5)) == "ci-1");
  const std::int64_t launched = unix_seconds(site.now) - 60;
  CHECK(*collect_instance_uses(site.store, launched + 25 * 3600) == 0);  // its member is there
  REQUIRE(remove_machine(site.context, {"lab", "ci-1"}, "operator anna"));
  CHECK(*collect_instance_uses(site.store, launched + 24 * 3600) == 0);
  CHECK(*collect_instance_uses(site.store, launched + 24 * 3600 + 1) == 1);
  CHECK(*collect_instance_uses(site.store, launched + 24 * 3600 + 1) == 0);
  CHECK(site.store.list(kinds::instance)->empty());
}

TEST_CASE("a use that cannot be read stays one, begins anew and goes when it is old") {
  Cloud site;
  const Machine machine;
  const std::string document = site.document(5);
  CHECK(site.name_with("10.77.1.5", machine, site.pool_token(), document) == "ci-1");
  CHECK(site.name_with("10.77.1.6", {}, site.pool_token(), site.document(6)) == "ci-2");
  REQUIRE(remove_machine(site.context, {"lab", "ci-1"}, "operator anna"));
  make_unreadable(site.store, kinds::instance, "i-00000000000000005");
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, site.pool_token(), document))
            .starts_with("corrupt: instance record: "));
  const std::int64_t now = unix_seconds(site.now);
  CHECK(*collect_instance_uses(site.store, now) == 1);
  CHECK(
      refusal(site.enrol_with("10.77.1.5", {}, site.pool_token(), document)) ==
      "identity_document_used: instance identity document: i-00000000000000005 was let in, and its record was lost; launch another instance");
  CHECK(*collect_instance_uses(site.store, now + 24 * 3600) == 0);
  CHECK(*collect_instance_uses(site.store, now + 24 * 3600 + 1) == 1);
  CHECK(site.store.list(kinds::instance)->size() == 1);
}

TEST_CASE("a replaced member proves as a new one does") {
  Cloud site;
  const std::string token = site.pool_token(3);
  CHECK(site.name_with("10.77.1.5", {}, token, site.document(5)) == "ci-1");
  site.order_replacement();
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, "")).starts_with("proof_missing: "));
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, site.document(5, 901s)))
            .starts_with("identity_document_age: "));
  const Machine second;
  CHECK(site.name_with("10.77.1.5", second, token, site.document(5)) == "ci-1");
  CHECK(find_instance_use(site.store, "i-00000000000000005")->use.key == second.fingerprint());
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, site.document(5)))
            .starts_with("identity_document_used: "));
}

TEST_CASE("the document is that of the machine that asks, unless the pool is behind a NAT") {
  Cloud site;
  const std::string token = site.pool_token(3);
  CHECK(
      refusal(site.enrol_with("10.77.1.6", {}, token, site.document(5))) ==
      "identity_document_address: instance identity document: expected one of the machine at 10.77.1.6, which asks, found one of 10.77.1.5; if the pool's machines reach this server through a NAT, write so as its spec.instanceIdentity.behindNat");
  site.policy().behind_nat = true;
  site.publish();
  const Machine machine;
  CHECK(site.name_with("192.0.2.1", machine, token, site.document(5)) == "ci-1");
  CHECK(site.name_with("192.0.2.1", {}, token, site.document(6)) == "ci-2");
  CHECK(site.name_with("192.0.2.1", machine, token, site.document(5)) == "ci-1");
  CHECK((*find_member(site.store, "lab", "ci-1"))->record.address == "10.77.1.5");
  CHECK(refusal(site.enrol_with("192.0.2.1", {}, token, site.document(11)))
            .starts_with("address_taken: pool 'lab/ci': node 'lab/m1' has the address 10.77.1.11"));
}

TEST_CASE("what the policy does not name is refused, and what no pinned region signed") {
  Cloud site;
  const std::string token = site.pool_token();
  CHECK(
      refusal(site.enrol_with("10.77.1.5", {}, token, site.document(5, 1min, "210987654321"))) ==
      "identity_document_account: instance identity document: expected account 123456789012, found '210987654321'");
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, "AAAA"))
            .starts_with("identity_document_invalid: "));
  const std::string forged = base64_encode(CmsSigner(1).sign("{}", EVP_sha256(), 0));
  CHECK(refusal(site.enrol_with("10.77.1.5", {}, token, forged))
            .starts_with("identity_document_forged: "));
  site.context.regions.clear();
  CHECK(
      refusal(site.enrol_with("10.77.1.5", {}, token, site.document(5))) ==
      "identity_document_unpinned: instance identity document: this server pins no certificate of eu-central-1; put AWS's into the folder of its setting awsCertificates, as eu-central-1.pem, and restart it");
  CHECK(site.left(token) == 1);
}

TEST_CASE("an instance's record is read back as it was written, and nothing else") {
  const InstanceUse use{"i-00000000000000005", "sha256:aa", "lab", "ci-1", 5, 6};
  const auto read = parse_instance_use(to_json(use));
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(use));
  CHECK_FALSE(parse_instance_use(R"({"instance":"i-1"})"));
}
