// Who was refused what leaves a row of the audit, and a storm of it few.
#include <set>

#include "enrolment/operators.hpp"
#include "records/audit.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

// "actor subject detail" of the rows of one action.
std::set<std::string> audit(House& house, const std::string& action) {
  REQUIRE(house.counts.flush(house.store, house.time));
  std::set<std::string> rows;
  const auto listed = list_audit(house.store, "", 1000).value();
  for (const auto& row : listed) {
    if (row.action == action)
      rows.insert(fmt::format("{} {} {}", row.actor, row.subject, row.detail));
  }
  return rows;
}

}  // namespace

TEST_CASE("a machine at the operator's API, and one that asks for another's, leave rows") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  for (int i = 0; i < 40; ++i)
    CHECK(house.ask("GET", "/v1/operator/secrets", {}, n1).status == 403);
  CHECK(house.ask("GET", "/v1/secrets/db?version=1", {}, n1).status == 404);
  CHECK(
      audit(house, "refused") ==
      std::set<std::string>{
          "machine lab/n1 GET /v1/operator/secrets 40 times; the first: forbidden: this is the operator's API: use an operator certificate, or the admin socket as root or as a member of its group",
          "machine lab/n1 GET /v1/secrets/:name not_found: nothing of that name for this caller; `muster explain node` shows what a machine is served"});
}

TEST_CASE("what a banned machine asks for leaves a row") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(house.ask("GET", "/v1/document", {}, n1).status == 403);
  CHECK(
      audit(house, "refused") ==
      std::set<std::string>{
          "machine lab/n1 GET /v1/document banned: machine 'n1': banned; an operator may lift it with `muster unban n1`"});
}

TEST_CASE("somebody at the admin socket who is no operator leaves a row") {
  House house;
  CHECK(house.ask("GET", "/v1/operator/status", {}, sample::on_admin_socket(1000)).status == 403);
  const auto rows = audit(house, "refused");
  REQUIRE(rows.size() == 1);
  CHECK(rows.begin()->starts_with("uid 1000 GET /v1/operator/status forbidden: "));
}

TEST_CASE("of a revoked operator, and of a stranger at the admin socket, no large body is read") {
  House house;
  const auto key = PrivateKey::generate_p256().value();
  const auto made = add_operator(house.enrolment, "anna",
                                 CertificateRequest::create(key, "x")->pem(), "operator root");
  Peer anna;
  anna.listener = ListenerKind::node;
  anna.certificate = Certificate::from_pem(made.value()).value();
  anna.certificate_id = anna.certificate->fingerprint();
  RequestHead head;
  const auto refused = [&](const Peer& peer) {
    const auto admission = house.router.admit(head, peer, "r1");
    return admission.refusal ? admission.refusal->status : 0;
  };
  for (const Route& route : routes()) {
    if (route.body_limit < (1 << 20)) continue;
    CAPTURE(route.pattern);
    if (route.audience == Audience::sealed) continue;  // restore_test
    CHECK(route.audience == Audience::operators);
    if (route.pattern.find(':') != std::string_view::npos) continue;  // below
    head.method = route.method;
    head.path = route.pattern;
    CHECK(refused(anna) == 0);
    CHECK(refused(sample::on_admin_socket(1000)) == 403);
  }
  REQUIRE(revoke_operator(house.enrolment, "anna", "operator root"));
  for (const char* path : {"/v1/operator/apply", "/v1/operator/releases"}) {
    head.method = "POST";
    head.path = path;
    CHECK(refused(anna) == 403);
  }
  head.method = "PUT";
  head.path = "/v1/operator/templates/x";
  CHECK(refused(anna) == 403);
  head.path = "/v1/operator/secrets/lab/x";
  CHECK(refused(anna) == 403);
}

TEST_CASE("a clock that is set ahead shuts no operator out, and one that runs on does") {
  House house;
  const auto key = PrivateKey::generate_p256().value();
  const auto made = add_operator(house.enrolment, "anna",
                                 CertificateRequest::create(key, "x")->pem(), "operator root");
  Peer anna;
  anna.listener = ListenerKind::node;
  anna.certificate = Certificate::from_pem(made.value()).value();
  anna.certificate_id = anna.certificate->fingerprint();
  const auto status = [&] { return house.ask("GET", "/v1/operator/clock", {}, anna); };
  REQUIRE(status().status == 200);
  const auto longer = house.enrolment.limits.operator_lifetime + std::chrono::hours(24);
  house.time += longer;
  house.set_by += longer;
  CHECK(status().status == 200);  // as the server knows her, and
  anna.certificate_id += "anew";  // as it does after a restart
  CHECK(status().status == 200);
  house.set_by = {};  // a year that passed
  CHECK(status().body.at("kind") == "certificate_expired");
}
