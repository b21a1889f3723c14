#include "enrolment/enrol.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/explain_enrolment.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

TEST_CASE("a token and known hardware make an identity whose subject is the inventory's") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const auto certificate = site.enrolled(machine, site.token());
  CHECK(certificate.common_name() == "n1");  // whatever the request asked for
  CHECK(certificate.organizations() == std::vector<std::string>{"muster:machine"});
  CHECK(certificate.organizational_units() == std::vector<std::string>{"lab"});
  CHECK(certificate.allows_client());
  CHECK_FALSE(certificate.allows_server());
  CHECK(certificate.not_after() == site.now + 72h);
  const MachineRecord record = site.record("n1");
  REQUIRE(record.current);
  CHECK(record.current->key == machine.fingerprint());
  CHECK(record.current->serial == certificate.serial());
  const auto rows = site.audit("enrolled");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].starts_with("10.77.0.21 lab/n1 by join token "));
}

TEST_CASE("an answer that was lost is given again, for nothing") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const std::string token = site.token(Role::node, 1);
  const auto first = site.enrolled(machine, token);
  const auto again = site.enrolled(machine, token);
  CHECK(again.serial() != first.serial());
  CHECK(site.record("n1").current->key == machine.fingerprint());
  CHECK(site.enrolled(machine, "").common_name() == "n1");
}

TEST_CASE("where backups are required nobody is let in before his cluster is in one") {
  Enrolment site;
  const std::string token = site.token(Role::node, 2);
  bool is_kept = true;
  site.context.is_backed_up = [&](const std::string& cluster) {
    CHECK(cluster == "lab");
    return Result<bool>(is_kept);
  };
  const Machine first{.hardware = 21}, second{.hardware = 22}, member;
  site.enrolled(first, token);
  is_kept = false;
  const std::string of_pool = site.pool_token();
  for (const auto& [machine, by] : {std::pair(&second, token), std::pair(&member, of_pool)}) {
    const auto waits = site.enrol(*machine, by);
    REQUIRE(waits);
    CHECK(waits->pending);
    CHECK(to_json(*waits).find(R"("awaits":"backup")") != std::string::npos);
    const auto notes = site.refusals.find(machine->fingerprint());
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].code == "awaits_backup");
    CHECK(
        notes[0].message ==
        "cluster 'lab': its CA keys are in no backup yet that is kept: muster backup FILE, and keep it elsewhere: it asks again and is let in");
  }
  const auto held_up = [&](const char* name) {
    return explain_enrolment(site.context, name, {"lab"})->machines.front().held_up;
  };
  CHECK(held_up("n1").empty());  // it is in
  REQUIRE(held_up("n2").size() == 1);
  CHECK(held_up("n2")[0].starts_with("cluster 'lab': its CA keys are in no backup yet"));
  CHECK(find_join_token(site.store, token)->token.remaining == 1);
  CHECK(site.record("n2").enrolled_at == 0);
  site.enrolled(first, token);  // it is in already: an answer that was lost
  is_kept = true;
  CHECK(held_up("n2").empty());
  site.enrolled(second, token);
  CHECK(site.refusals.find(second.fingerprint()).empty());
}

TEST_CASE("a second key for a live name is refused and changes nothing") {
  Enrolment site;
  const Machine first{.hardware = 21}, second{.hardware = 21};
  site.enrolled(first, site.token());
  const auto before = site.record("n1").current;
  const std::string token = site.token(Role::node, 5);
  CHECK(
      refusal(site.enrol(second, token)) ==
      "live_identity: node 'lab/n1': another key holds this name; if that machine is gone, an operator orders `muster node replace n1`");
  CHECK(refusal(site.enrol(second, token)).starts_with("live_identity: "));
  CHECK(refusal(site.enrol(second)).starts_with("live_identity: "));
  CHECK(site.record("n1").current->key == first.fingerprint());
  CHECK(site.record("n1").current->serial == before->serial);
  CHECK_FALSE(site.record("n1").previous);
  CHECK(find_join_token(site.store, token)->token.remaining == 5);
  // However often it asks: one row, and then one that counts.
  const std::string what =
      "live_identity: node 'lab/n1': another key holds this name; if that machine is gone, an operator orders `muster node replace n1`, asked with " +
      second.fingerprint();
  const std::string row = "10.77.0.21 lab/n1 3 times; the first: " + what;
  CHECK(site.audit("enrolment-refused") == std::vector<std::string>{row});
  for (int i = 0; i < 1000; ++i) CHECK(refusal(site.enrol(second)).starts_with("live_identity: "));
  CHECK(site.audit("enrolment-refused") == std::vector<std::string>{row});
  site.now += 1h;
  CHECK(site.audit("enrolment-refused") ==
        std::vector<std::string>{row, "10.77.0.21 lab/n1 1000 more times; the first: " + what});
}

TEST_CASE("guessed tokens leave a row of their source") {
  Enrolment site;
  for (int i = 0; i < 50; ++i)
    CHECK(refusal(site.enrol({}, "muster1.guess")).starts_with("token_unknown: "));
  const auto rows = site.audit("enrolment-refused");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].starts_with("10.77.0.21 token_unknown 50 times; the first: token_unknown: "));
}

TEST_CASE("a name whose certificate can no more be recovered is free") {
  Enrolment site;
  site.enrolled({.hardware = 21}, site.token());
  site.now += 72h + 24h * 400 - 1s;
  CHECK(refusal(site.enrol({.hardware = 21}, site.token())).starts_with("live_identity: "));
  site.now += 1s;
  const Machine next{.hardware = 21};
  site.enrolled(next, site.token());
  CHECK(site.record("n1").current->key == next.fingerprint());
}

TEST_CASE("a replacement is ordered once") {
  Enrolment site;
  const Machine first{.hardware = 21}, second{.hardware = 21}, third{.hardware = 21};
  site.enrolled(first, site.token());
  REQUIRE(order_replacement(site.context, {"lab", "n1"}, "operator anna"));
  REQUIRE(order_replacement(site.context, {"lab", "n1"}, "operator anna"));
  CHECK(site.audit("replacement-ordered") == std::vector<std::string>{"operator anna lab/n1 "});
  // The order is no proof: without a token it waits for an operator.
  CHECK(site.enrol(second)->pending);
  CHECK(site.record("n1").current->key == first.fingerprint());
  site.enrolled(second, site.token());
  CHECK(site.record("n1").current->key == second.fingerprint());
  CHECK_FALSE(site.record("n1").previous);
  CHECK_FALSE(site.record("n1").replace_ordered);
  CHECK(refusal(site.enrol(third, site.token())).starts_with("live_identity: "));
}

TEST_CASE("what a replaced machine said is not its successor's word") {
  Enrolment site;
  const Machine first{.hardware = 21}, second{.hardware = 21};
  site.enrolled(first, site.token());
  REQUIRE(site.store.commit(
      Transaction().put(kinds::report, "lab/n1", "{}").put(kinds::served, "lab/n1", "sha256:1")));
  // The same key again is the same machine.
  site.enrolled(first, site.token());
  CHECK(site.store.get(kinds::report, "lab/n1"));
  REQUIRE(order_replacement(site.context, {"lab", "n1"}, "operator anna"));
  site.enrolled(second, site.token());
  CHECK_FALSE(site.store.get(kinds::report, "lab/n1"));
  CHECK_FALSE(site.store.get(kinds::served, "lab/n1"));
}

TEST_CASE("hardware that names two nodes is nobody's") {
  Enrolment site;
  EnrolRequest request = site.request({.hardware = 21}, site.token());
  request.hints.macs.push_back(mac(22));
  CHECK(
      refusal(enrol(site.context, request, "10.77.0.21")) ==
      "hints_ambiguous: machine: its hardware names several nodes (mac 02:4d:55:00:00:15 is lab/n1; mac 02:4d:55:00:00:16 is lab/n2); correct `match` in the inventory");
}

TEST_CASE("a proof is for one nonce, one key, one request and one purpose") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const std::string token = site.token();
  const std::string nonce_unknown =
      "nonce_unknown: nonce: expected one of this server's, unused and at most 60 s old; ask for another with POST /v1/nonce";
  const std::string proof_invalid =
      "proof_invalid: proof: expected a signature by the csr's key over this nonce and csr; make both anew";
  EnrolRequest request = site.request(machine, token);
  request.proof.nonce = "AAAA";
  CHECK(refusal(enrol(site.context, request, "x")) == nonce_unknown);
  request = site.request(machine, token);
  request.proof.csr_pem = CertificateRequest::create(Machine().key, "x")->pem();
  CHECK(refusal(enrol(site.context, request, "x")) == proof_invalid);
  // Only a proof that holds is remembered.
  CHECK(site.nonces.taken() == 0);
  CHECK(site.nonces.is_good(request.proof.nonce));
  request = site.request(machine, token);
  request.proof = site.proof(machine.key, ProofPurpose::recover);
  CHECK(refusal(enrol(site.context, request, "x")) == proof_invalid);
  request = site.request(machine, token);
  request.proof.csr_pem = "not a request";
  CHECK(refusal(enrol(site.context, request, "x")).starts_with("csr_invalid: csr: "));
  CHECK(site.store.count(kinds::machine).value() == 0);
  request = site.request(machine, token);
  REQUIRE(enrol(site.context, request, "x"));
  CHECK(refusal(enrol(site.context, request, "x")) == nonce_unknown);  // replayed
}

TEST_CASE("machines that race for the last use of a token: one gets it") {
  Enrolment site;
  const std::string token = site.token(Role::node, 1);
  const auto first = find_join_token(site.store, token), second = first;
  Transaction one, other;
  consume(*first, one);
  consume(*second, other);
  CHECK(site.store.commit(one));
  CHECK(site.store.commit(other).error().kind == ErrorKind::conflict);
}
