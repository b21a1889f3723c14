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
Result<EnrolOutcome> renewed(Enrolment& site, const PrivateKey& key,
                              const Certificate& presented) {
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
      "recovery_too_late: client certificate: expired more than 400 days ago; enrol again with a join token, after `muster node replace`");
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
      "certificate_foreign: client certificate: not issued by this site; enrol again with a join token");
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
      "superseded: machine 'n1': a newer key holds this name; if this machine is to have it, an operator orders `muster node replace n1`, then it enrols again");
  REQUIRE(freeze(site.context, {"lab", "n1"}, "two of them", "server"));
  CHECK(refusal(recovered(site, second.key, held)).starts_with("frozen: machine 'n1': "));
  REQUIRE(ban(site.context, {"lab", "n1"}, "stolen", "operator anna"));
  CHECK(refusal(recovered(site, second.key, held)) ==
        "banned: machine 'n1': banned; an operator may lift it with `muster unban n1`");
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
  // Nobody ever used the lost one.
  CHECK(refusal(identify(site.context, lost)).starts_with("superseded: "));
  CHECK(identify(site.context, first));
  CHECK(identify(site.context, next));
  CHECK(refusal(identify(site.context, first)).starts_with("superseded: "));
  CHECK_FALSE(site.record("n1").previous);
}
