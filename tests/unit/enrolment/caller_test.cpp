#include "enrolment/caller.hpp"

#include "enrolment/ban.hpp"
#include "enrolment/operators.hpp"
#include "enrolment/remove.hpp"
#include "records/revision.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {
Certificate operator_certificate(Enrolment& site, const PrivateKey& key, const std::string& name) {
  const auto csr = CertificateRequest::create(key, "whoever")->pem();
  const auto added = add_operator(site.context, name, csr, "operator root");
  REQUIRE_MESSAGE(added, added.error().message);
  return Certificate::from_pem(*added).value();
}
}  // namespace

TEST_CASE("a machine is who the records say its key is, until its certificate ends") {
  Enrolment site;
  const Machine machine{.hardware = 21};
  const auto certificate = site.enrolled(machine, site.token());
  const auto caller = identify(site.context, certificate);
  REQUIRE(caller);
  CHECK(caller->text() == "machine lab/n1");
  CHECK(caller->key == machine.fingerprint());
  CHECK_FALSE(caller->frozen);
  CHECK(check_not_frozen(*caller));
  site.now = certificate.not_after();
  CHECK(
      refusal(identify(site.context, certificate)) ==
      "certificate_expired: client certificate: expired; a machine recovers with POST /v1/recover at the enrol listener, an operator asks for another");
}

TEST_CASE("a ban ends at once what a certificate was good for, and unban gives it back") {
  Enrolment site;
  const auto certificate = site.enrolled({.hardware = 21}, site.token());
  REQUIRE(ban(site.context, {"lab", "n1"}, "stolen", "operator anna"));
  CHECK(refusal(identify(site.context, certificate)) ==
        "banned: machine 'n1': banned; an operator may lift it with `muster unban n1`");
  REQUIRE(unban(site.context, {"lab", "n1"}, "operator anna"));
  CHECK(identify(site.context, certificate));
}

TEST_CASE("a frozen machine is known, and issued nothing") {
  Enrolment site;
  const auto certificate = site.enrolled({.hardware = 21}, site.token());
  REQUIRE(freeze(site.context, {"lab", "n1"}, "two of them", "server"));
  const auto caller = identify(site.context, certificate);
  REQUIRE(caller);
  CHECK(
      refusal(check_not_frozen(*caller)) ==
      "frozen: machine 'n1': frozen, its identity key was seen on two machines; an operator decides with `muster node unfreeze n1 --keep FINGERPRINT`");
}

TEST_CASE("what is left of a machine goes with it, once the inventory does not list it") {
  Enrolment site;
  const auto certificate = site.enrolled({.hardware = 21}, site.token());
  CHECK(
      refusal(remove_machine(site.context, {"lab", "n1"}, "operator anna")) ==
      "still_listed: node 'lab/n1': the inventory lists it, so that it would be let in again; drain it with `muster node drain n1`, take it out and run `muster apply DIR --remove`, or shut it out with `muster ban n1`");
  CHECK(identify(site.context, certificate));
  site.inventory = std::make_shared<const EnrolmentInventory>();
  REQUIRE(remove_machine(site.context, {"lab", "n1"}, "operator anna"));
  CHECK(
      refusal(identify(site.context, certificate)) ==
      "identity_unknown: identity: no machine or operator of this site has it; to let the machine in: on it `muster-agent reset --yes`, then a join token (`muster token create`) into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
  CHECK(site.audit("machine-removed") == std::vector<std::string>{"operator anna lab/n1 "});
  CHECK(
      refusal(remove_machine(site.context, {"lab", "n1"}, "operator anna")) ==
      "not_found: node 'lab/n1': nothing is left of it; `muster node list` shows the machines there are");
}

TEST_CASE("a removed machine's pod network is free for another") {
  Enrolment site;
  site.inventory = std::make_shared<const EnrolmentInventory>();
  ClusterRecord cluster;
  cluster.name = "lab";
  cluster.revision_number = 1;
  cluster.pod_cidrs = {{"n1", "10.64.1.0/24"}, {"n2", "10.64.2.0/24"}};
  Transaction transaction;
  transaction.put(kinds::cluster, "lab", to_json(cluster));
  REQUIRE(site.store.commit(transaction));
  REQUIRE(remove_machine(site.context, {"lab", "n1"}, "operator anna"));
  CHECK(find_cluster(site.store, "lab")->record.pod_cidrs == PodCidrs{{"n2", "10.64.2.0/24"}});
  CHECK(site.audit("machine-removed") ==
        std::vector<std::string>{"operator anna lab/n1 its pod network is free"});
}

TEST_CASE("an operator is a name and a key; another key or a revocation ends the older") {
  Enrolment site;
  const PrivateKey first = PrivateKey::generate_p256().value(),
                   second = PrivateKey::generate_p256().value();
  const auto old = operator_certificate(site, first, "anna");
  CHECK(identify(site.context, old)->text() == "operator anna");
  CHECK(old.not_after() == site.now + 24h * 90);
  const auto fresh = operator_certificate(site, second, "anna");
  const std::string revoked =
      "operator_revoked: operator 'anna': this certificate was revoked or replaced; have another operator run `muster operator add anna`";
  CHECK(refusal(identify(site.context, old)) == revoked);
  CHECK(identify(site.context, fresh));
  REQUIRE(revoke_operator(site.context, "anna", "operator root"));
  REQUIRE(revoke_operator(site.context, "anna", "operator root"));
  CHECK(refusal(identify(site.context, fresh)) == revoked);
  CHECK(site.audit("operator-revoked").size() == 1);
  CHECK(site.audit("operator-revoked")[0].starts_with("operator root anna key sha256:"));
  const auto csr = CertificateRequest::create(first, "x")->pem();
  CHECK(
      refusal(add_operator(site.context, "root", csr, "operator anna")) ==
      "invalid: operator name: expected lower-case letters, digits and '-', at most 63, not 'root'; found 'root'");
}

TEST_CASE("an operator whose limits nobody can read any more is not freed of them by being added") {
  Enrolment site;
  const OperatorLimits limits{{"small"}, 2, 10, 4h};
  const auto csr = CertificateRequest::create(PrivateKey::generate_p256().value(), "x")->pem();
  const auto add = [&](const std::optional<OperatorLimits>& given, bool is_unrestricted = false) {
    return add_operator(site.context, "ci", csr, "operator anna", given, is_unrestricted);
  };
  REQUIRE(add(limits));
  REQUIRE(site.store.commit(Transaction().put(kinds::operator_record, "ci", "{\"broken")));
  const std::string lost =
      "limits_lost: operator 'ci': its record cannot be read, or could not be when it was revoked, so that nobody knows what it was held to: repeat with its limits (--templates, --clusters, --machines, --ttl), or with --unrestricted";
  CHECK(refusal(add({})) == lost);
  REQUIRE(revoke_operator(site.context, "ci", "operator anna"));
  CHECK(refusal(add({})) == lost);
  CHECK(find_operator(site.store, "ci")->revoked);
  CHECK(refusal(add(limits, true)) ==
        "invalid: operator: expected limits or `unrestricted`, found both");
  SUBCASE("held to limits again") {
    REQUIRE(add(limits));
    CHECK(find_operator(site.store, "ci")->limits->machines == 10);
    REQUIRE(add({}));  // a renewal keeps them
    CHECK(find_operator(site.store, "ci")->limits);
    CHECK_FALSE(find_operator(site.store, "ci")->revoked);
  }
  SUBCASE("freed by word") {
    REQUIRE(add({}, true));
    CHECK_FALSE(find_operator(site.store, "ci")->limits);
    REQUIRE(add({}));
  }
}

TEST_CASE("a certificate of the site that is neither a machine's nor an operator's is nobody") {
  Enrolment site;
  Subject subject;
  subject.common_name = "n1";
  subject.organizations = {"muster:machine", "system:masters"};
  subject.organizational_units = {"lab"};
  subject.client = true;
  const auto odd =
      site.authority.issuing.issue(Machine().key.public_key(), subject, 1h, site.now).value();
  CHECK(
      refusal(identify(site.context, odd)) ==
      "certificate_other: client certificate: expected a machine's or an operator's identity; use the one that enrolment issued");
}
