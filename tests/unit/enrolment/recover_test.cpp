#include "enrolment/recover.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/caller.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {
Result<EnrolOutcome> recovered(Enrolment& site, const PrivateKey& key,
                               const Certificate& presented) {
  EnrolRequest request;
  request.proof = site.proof(key, ProofPurpose::recover);
  return recover(site.context, request, presented, "10.77.0.21");
}
Result<EnrolOutcome> renewed(Enrolment& site, const PrivateKey& key, const Certificate& presented) {
  EnrolRequest request;
  request.proof = site.proof(key, ProofPurpose::recover);
  return renew(site.context, request, presented, "10.77.0.21");
}
Certificate certificate_of(const Result<EnrolOutcome>& outcome) {
  REQUIRE_MESSAGE(outcome, outcome.error().message);
  return Certificate::from_pem(outcome->certificate_pem).value();
}
}  // namespace

TEST_CASE("an expired certificate and its key are enough for 400 days") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const auto old = site.enrolled(machine, site.token());
  site.now = old.not_after() + 24h * 400;
  const auto fresh = certificate_of(recovered(site, machine.key, old));
  CHECK(fresh.common_name() == "n1");
  CHECK(fresh.not_after() == site.now + 72h);
  CHECK(identify(site.context, fresh)->node == NodeName{"lab", "n1"});
  CHECK(site.audit("recovered").size() == 1);
  site.now += 1s;
  CHECK(
      refusal(recovered(site, machine.key, old)) ==
      "recovery_too_late: client certificate: expired more than 400 days ago; `muster node replace`, then on it `muster-agent reset --yes`, then a join token (`muster token create`) into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
}

TEST_CASE("recovery is for the certificate's own key, and for certificates of this site") {
  Enrolment site;
  const Machine machine{.hardware = 21}, thief;
  const auto old = site.enrolled(machine, site.token());
  CHECK(
      refusal(recovered(site, thief.key, old)) ==
      "key_other: proof: expected the key of the client certificate, found another; recovery keeps the key, enrolment makes a new one");
  const auto elsewhere = Enrolment::make_authority();
  Subject subject;
  subject.common_name = "n1";
  subject.organizations = {"muster:machine"};
  subject.organizational_units = {"lab"};
  subject.client = true;
  const auto forged =
      elsewhere.issuing.issue(machine.key.public_key(), subject, 72h, site.now).value();
  CHECK(
      refusal(recovered(site, machine.key, forged)) ==
      "certificate_foreign: client certificate: not issued by this site; to let the machine in: on it `muster-agent reset --yes`, then a join token (`muster token create`) into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
  EnrolRequest request = site.request(machine);
  CHECK(refusal(recover(site.context, request, old, "x")).starts_with("proof_invalid: "));
}

TEST_CASE("who was replaced, banned or frozen does not recover") {
  Enrolment site;
  const Machine first{.hardware = 21}, second{.hardware = 21};
  const auto old = site.enrolled(first, site.token());
  REQUIRE(order_replacement(site.context, {"lab", "n1"}, "operator anna"));
  const auto held = site.enrolled(second, site.token());
  CHECK(
      refusal(recovered(site, first.key, old)) ==
      "superseded: machine 'n1': a newer key holds this name; if this machine is to have it: on it `muster-agent reset --yes`, then `muster node replace n1 --cluster lab`, then `muster token create --cluster lab --node n1 --role node`, that token into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
  REQUIRE(freeze(site.context, {"lab", "n1"}, "two of them", "server"));
  CHECK(refusal(recovered(site, second.key, held)).starts_with("frozen: machine 'n1': "));
  REQUIRE(ban(site.context, {"lab", "n1"}, "stolen", "operator anna"));
  CHECK(refusal(recovered(site, second.key, held)) ==
        "banned: machine 'n1': banned; an operator may lift it with `muster unban n1`");
}

TEST_CASE("a machine whose name a newer key holds gets it back by the words that it was told") {
  Enrolment site;
  Machine machine{.hardware = 21};
  const Machine other{.hardware = 21};
  const auto old = site.enrolled(machine, site.token());
  REQUIRE(order_replacement(site.context, {"lab", "n1"}, "operator anna"));
  const auto held = site.enrolled(other, site.token());
  CHECK(refusal(identify(site.context, old)).starts_with("superseded: "));
  // With the old key nothing cures: an agent that has an identity does not enrol.
  REQUIRE(order_replacement(site.context, {"lab", "n1"}, "operator anna"));
  CHECK(refusal(identify(site.context, old)).starts_with("superseded: "));
  machine.key = PrivateKey::generate_p256().value();  // muster-agent reset
  const auto back = site.enrolled(machine, site.token(Role::node, 1, "n1"));
  CHECK(identify(site.context, back)->node == NodeName{"lab", "n1"});
  CHECK(refusal(identify(site.context, held)).starts_with("superseded: "));
  CHECK_FALSE(site.record("n1").frozen);
}

TEST_CASE("a machine of an earlier cluster of this name, ended in this very second, is no copy") {
  Enrolment site;
  const auto old = site.enrolled({.hardware = 21}, site.token());
  REQUIRE(site.store.commit(Transaction().remove(kinds::machine, "lab/n1")));
  site.enrolled({.hardware = 21}, site.token());
  CHECK(refusal(identify(site.context, old)).starts_with("superseded: "));
  CHECK_FALSE(site.record("n1").frozen);
}

TEST_CASE("a renewed key takes over when it is first used, and a lost answer locks nobody out") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const auto first = site.enrolled(machine, site.token());
  const PrivateKey lost_key = PrivateKey::generate_p256().value(),
                   next_key = PrivateKey::generate_p256().value();
  const auto lost = certificate_of(renewed(site, lost_key, first));
  CHECK(identify(site.context, first));
  const auto next = certificate_of(renewed(site, next_key, first));
  CHECK(identify(site.context, first));
  CHECK(identify(site.context, next));
  CHECK_FALSE(site.record("n1").previous);
  CHECK_FALSE(site.record("n1").frozen);
  // Nobody should ever have used the lost one.
  CHECK(refusal(identify(site.context, lost)).starts_with("frozen: "));
  CHECK(site.record("n1").frozen);
}

namespace {
// A machine whose key and certificate were copied; the thief has renewed, and used the new key.
struct Copied {
  Enrolment site;
  Machine owner{.hardware = 21};
  PrivateKey stolen = PrivateKey::generate_p256().value();
  Certificate first = site.enrolled(owner, site.token());
  Certificate thief = taken();

  Certificate taken() {
    site.now += 36h;
    auto made = certificate_of(renewed(site, stolen, first));
    REQUIRE(identify(site.context, made));
    return made;
  }
  std::string unfreeze_for(const std::string& keep) {
    const auto done = unfreeze(site.context, {"lab", "n1"}, keep, "operator anna");
    return done ? "done" : done.error().message;
  }
};
}  // namespace

TEST_CASE(
    "where a copied key was renewed, the owner's next call freezes the identity and says so") {
  Copied copied;
  Enrolment& site = copied.site;
  const std::string mine = copied.owner.fingerprint(),
                    other = copied.stolen.public_key().fingerprint();
  const std::string told = fmt::format(
      "frozen: machine 'n1': another machine renewed this key, so that one of the two is a copy, and the identity is frozen; an operator decides with `muster node unfreeze n1 --keep {}`, or with the other's key",
      mine);
  const std::string reason = fmt::format(
      "key {} was renewed to {}, and calls again: one of them is a copy's; keep the key of the machine that is 'n1' (`muster-agent status` tells it)",
      mine, other);
  CHECK(refusal(identify(site.context, copied.first)) == told);
  CHECK(site.record("n1").freeze_reason == reason);
  CHECK(refusal(renewed(site, copied.stolen, copied.thief)).starts_with("frozen: "));
  CHECK(refusal(identify(site.context, copied.first)) == told);
  CHECK(site.audit("frozen") == std::vector<std::string>{"server lab/n1 " + reason});
  CHECK(
      copied.unfreeze_for("sha256:x") ==
      fmt::format(
          "node 'lab/n1': expected --keep with the fingerprint of its identity key ({} or {}) or of a pending machine, found 'sha256:x'",
          other, mine));
}

TEST_CASE("the owner of a copied key is heard after its certificate expired, too") {
  Copied copied;
  copied.site.now = copied.first.not_after() + 1h;
  CHECK(refusal(recovered(copied.site, copied.owner.key, copied.first)).starts_with("frozen: "));
  CHECK(copied.site.record("n1").frozen);
}

TEST_CASE("an operator keeps the owner's key or the other; who lost does not freeze it again") {
  Copied copied;
  Enrolment& site = copied.site;
  CHECK_FALSE(identify(site.context, copied.first));
  CHECK(copied.unfreeze_for(copied.owner.fingerprint()) == "done");
  CHECK(identify(site.context, copied.first));
  CHECK(refusal(identify(site.context, copied.thief)).starts_with("superseded: "));
  CHECK_FALSE(site.record("n1").frozen);
  CHECK(refusal(renewed(site, copied.stolen, copied.thief)).starts_with("superseded: "));

  Copied again;
  CHECK_FALSE(identify(again.site.context, again.first));
  CHECK(again.unfreeze_for(again.stolen.public_key().fingerprint()) == "done");
  CHECK(identify(again.site.context, again.thief));
  CHECK(refusal(identify(again.site.context, again.first)).starts_with("superseded: "));
  CHECK_FALSE(again.site.record("n1").frozen);
}
