// What is decided while the server's clock was set and is in doubt.
#include "enrolment/approval.hpp"
#include "enrolment/caller.hpp"
#include "enrolment/claim.hpp"
#include "enrolment/operators.hpp"
#include "enrolment/pending.hpp"
#include "sample_enrolment.hpp"

using namespace muster;
using namespace sample;

namespace {

constexpr std::chrono::seconds day = 24h, month = 31 * 24h;

struct SetClock : Enrolment {
  std::chrono::seconds lead{0};

  SetClock() {
    context.earliest_now = [this] { return now - std::max(lead, 0s); };
    context.latest_now = [this] { return now - std::min(lead, 0s); };
  }
  // To so far before what is expected; 0: put right.
  void set(std::chrono::seconds by) {
    now += by - lead;
    lead = by;
  }
  std::string claim() { return claim_for(context, {"lab", "n1"}, "10.77.0.99").value().text; }
};

}  // namespace

TEST_CASE("a token that expired admits nobody, wherever the clock is set") {
  SetClock site;
  const std::string text = site.token(), pool = site.pool_token();
  site.now += 61min;
  const std::string id = text.substr(8, 16), id_of_pool = pool.substr(8, 16);
  for (const std::chrono::seconds lead : {0s, -day, month}) {
    site.set(lead);
    CHECK(refusal(site.enrol({.hardware = 21}, text)) ==
          "token_expired: join token '" + id +
              "': expired; create another with `muster token create`");
    CHECK(refusal(site.enrol({}, pool)) ==
          "token_expired: join token '" + id_of_pool +
              "': expired; create another with `muster token create`");
  }
}

TEST_CASE("an approval that lapsed is none, wherever the clock is set") {
  SetClock site;
  const Machine machine{.hardware = 21};
  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  site.now += 61min;
  site.set(-day);
  CHECK(list_pending(site.context)->empty());
  CHECK(site.enrol(machine)->pending);
  site.set(0s);
  CHECK(site.enrol(machine)->pending);
}

TEST_CASE("a clock that is ahead and in doubt lapses no approval") {
  SetClock site;
  const Machine machine{.hardware = 21};
  REQUIRE(approve(site.context, {"lab", "n1", machine.fingerprint()}, "operator anna"));
  site.set(month);
  CHECK(site.enrolled(machine, "").common_name() == "n1");
}

TEST_CASE("a certificate that expired is nobody's, and another stays good, wherever the clock is") {
  SetClock site;
  const auto certificate = site.enrolled({.hardware = 21}, site.token());
  site.set(month);
  CHECK(identify(site.context, certificate));
  site.set(0s);
  site.now = certificate.not_after();
  site.set(-day);
  CHECK(
      refusal(identify(site.context, certificate)) ==
      "certificate_expired: client certificate: expired; a machine recovers with POST /v1/recover at the enrol listener, an operator asks for another");
}

TEST_CASE("an identity that a clock ahead issued is valid when that is put right") {
  SetClock site;
  const std::string text = site.token();
  const TimePoint right = site.now;
  site.set(31min);
  const auto certificate = site.enrolled({.hardware = 21}, text);
  CHECK(certificate.not_before() == right - certificate_backdate);
  CHECK(certificate.not_after() == site.now + site.context.limits.identity_lifetime);
  CHECK(site.record("n1").current->issued_at == unix_seconds(right));
  CHECK(site.record("n1").enrolled_at == unix_seconds(right));
}

TEST_CASE("no operator is added by a clock that is ahead and in doubt") {
  SetClock site;
  const auto csr = CertificateRequest::create(PrivateKey::generate_p256().value(), "anna")->pem();
  site.set(month);
  CHECK(
      refusal(add_operator(site.context, "anna", csr, "operator root", {}, true)) ==
      "clock_in_doubt: operator 'anna': the server's clock is 31d 0h ahead of what was expected, and in doubt: what is made now would last as much longer; put the clock right, or, if it is right now, run `muster clock confirm`; then try again");
  CHECK(list_operators(site.store)->empty());
  site.set(-day);
  CHECK(add_operator(site.context, "anna", csr, "operator root", {}, true));
}

TEST_CASE(
    "a machine without a disk comes back with a new key, wherever the clock is set meanwhile") {
  for (const std::chrono::seconds lead : {-day, month}) {
    SetClock site;
    site.enrolled({.hardware = 21}, site.claim());
    site.now += 400s;
    site.set(lead);
    const std::string text = site.claim();
    CHECK(site.claim() == text);
    site.enrolled({.hardware = 21}, text);
    site.now += 400s;
    site.set(0s);
    site.enrolled({.hardware = 21}, site.claim());
    CHECK_FALSE(site.record("n1").frozen);
  }
}

TEST_CASE("a claim that a clock ahead made does not last until then") {
  SetClock site;
  site.set(month);
  const std::string text = site.claim();
  site.set(0s);
  CHECK(refusal(site.enrol({.hardware = 21}, text)).starts_with("token_expired: "));
  const std::string next = site.claim();
  CHECK(next != text);
  CHECK(site.enrolled({.hardware = 21}, next).common_name() == "n1");
}

TEST_CASE("a claim that expired is told to nobody, wherever the clock is set") {
  SetClock site;
  const std::string text = site.claim();
  site.now += 901s;
  site.set(-day);
  const std::string next = site.claim();
  CHECK(next != text);
  CHECK(refusal(site.enrol({.hardware = 21}, text)).starts_with("token_expired: "));
  CHECK(site.enrolled({.hardware = 21}, next).common_name() == "n1");
}
