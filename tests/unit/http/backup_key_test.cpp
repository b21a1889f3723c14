// Who may say to which key backups are encrypted.
#include "backup/recovery_key.hpp"
#include "enrolment/operators.hpp"
#include "pki/recovery_box.hpp"
#include "sample_rooms.hpp"

using namespace muster;

TEST_CASE("an operator's certificate sets no recovery key, neither the first nor another") {
  sample::House house;
  const auto key = PrivateKey::generate_p256().value();
  const auto made = add_operator(house.enrolment, "anna",
                                 CertificateRequest::create(key, "x")->pem(), "operator root");
  Peer anna;
  anna.listener = ListenerKind::node;
  anna.certificate = Certificate::from_pem(made.value()).value();
  anna.certificate_id = anna.certificate->fingerprint();
  const auto sets = [&](const PrivateKey& chosen, const Peer& peer) {
    return house.ask("PUT", "/v1/operator/backup/key",
                     {{"certificate", recovery_certificate(chosen)->pem()}}, peer);
  };
  CHECK(sets(key, anna).status == 403);
  CHECK_FALSE(find_recovery_key(house.store).value());
  const auto owners = PrivateKey::generate_p256().value();
  REQUIRE(sets(owners, sample::on_admin_socket(0)).status == 200);
  const auto refused = sets(key, anna);
  CHECK(refused.status == 403);
  CHECK(refused.body["kind"] == "not_on_the_server");
  CHECK(
      refused.message() ==
      "recovery key: expected an order by the server's admin socket, found one by a certificate: whoever chooses this key can read all keys of the site. Run `muster backup key new --out FILE` on the server, as root or in the group of its admin socket");
  CHECK(find_recovery_key(house.store).value()->fingerprint() == owners.public_key().fingerprint());
}
