#include "pki/certificate_authority.hpp"

#include <doctest/doctest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <set>

namespace muster {

namespace {

using namespace std::chrono_literals;
using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::system_clock;

CertificateAuthority authority(seconds lifetime = 24h) {
  return CertificateAuthority::create("kubernetes-lab", lifetime).value();
}

Subject subject() {
  return {.common_name = "kube-apiserver",
          .organizations = {"muster:machine:m1", "with, a comma"},
          .organizational_units = {"lab"},
          .dns_names = {"m1", "kubernetes.default.svc.cluster.local"},
          .ip_addresses = {"10.96.0.1", "::1"},
          .server = true};
}

}  // namespace

TEST_CASE("an authority is one, of its own signature, and reads back") {
  const auto made = authority();
  const Certificate& certificate = made.certificate();
  CHECK(certificate.is_authority());
  CHECK(certificate.common_name() == "kubernetes-lab");
  CHECK(X509_get_pathlen(certificate.native()) == 0);
  CHECK(X509_get_key_usage(certificate.native()) == (KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  CHECK(X509_verify(certificate.native(), certificate.public_key().native()) == 1);
  CHECK(certificate.not_before() <= system_clock::now() - 5min);
  const auto read = CertificateAuthority::from_pem(certificate.pem(), made.key_pem());
  REQUIRE(read);
  CHECK(read->certificate().fingerprint() == certificate.fingerprint());
}

TEST_CASE("only the public key is the requester's") {
  const auto ca = authority();
  const auto key = PrivateKey::generate_p256();
  const auto request =
      CertificateRequest::from_pem(CertificateRequest::create(*key, "system:masters")->pem());
  const auto now = floor<seconds>(system_clock::now());
  const auto certificate = ca.issue(request->public_key(), subject(), 1h, now);
  REQUIRE(certificate);
  CHECK(certificate->public_key().fingerprint() == request->public_key().fingerprint());
  CHECK(Certificate::from_pem(certificate->pem())->public_key().pem() ==
        request->public_key().pem());
  CHECK(certificate->common_name() == "kube-apiserver");
  CHECK(certificate->organizations() ==
        std::vector<std::string>{"muster:machine:m1", "with, a comma"});
  CHECK(certificate->organizational_units() == std::vector<std::string>{"lab"});
  CHECK(certificate->dns_names() ==
        std::vector<std::string>{"m1", "kubernetes.default.svc.cluster.local"});
  CHECK(certificate->ip_addresses() == std::vector<std::string>{"10.96.0.1", "::1"});
  CHECK_FALSE(certificate->is_authority());
  CHECK(certificate->allows_server());
  CHECK_FALSE(certificate->allows_client());
  CHECK(X509_get_key_usage(certificate->native()) == KU_DIGITAL_SIGNATURE);
  CHECK(certificate->matches(*key));
  CHECK(certificate->serial().size() == 32);
  CHECK(certificate->not_before() == now - 5min);
  CHECK(certificate->not_after() == now + 1h);
  CHECK(X509_verify(certificate->native(), ca.certificate().public_key().native()) == 1);
}

TEST_CASE("a certificate that a clock in doubt issues is backdated from the earliest it can be") {
  const auto ca = authority();
  const auto key = PrivateKey::generate_p256();
  const auto now = floor<seconds>(system_clock::now());
  const auto ahead = ca.issue(key->public_key(), subject(), 1h, now, now - 2h);
  CHECK(ahead->not_before() == now - 2h - 5min);
  CHECK(ahead->not_after() == now + 1h);
  CHECK(ca.issue(key->public_key(), subject(), 1h, now, now + 2h)->not_before() == now - 5min);
}

TEST_CASE("a certificate never outlives its authority") {
  const auto ca = authority(1h);
  const auto key = PrivateKey::generate_p256();
  const auto now = system_clock::now();
  CHECK(ca.issue(key->public_key(), subject(), 24h, now)->not_after() ==
        ca.certificate().not_after());
  CHECK(
      ca.issue(key->public_key(), subject(), 24h, now + 2h).error().message ==
      "certificate 'kube-apiserver': nothing to issue, the lifetime is over or the authority 'kubernetes-lab' has expired. Rotate the authority.");
}

TEST_CASE("serials do not repeat") {
  const auto ca = authority();
  const auto key = PrivateKey::generate_p256();
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i)
    serials.insert(ca.issue(key->public_key(), subject(), 1h, system_clock::now())->serial());
  CHECK(serials.size() == 50);
}

TEST_CASE("a subject that cannot be written exactly is refused") {
  const auto ca = authority();
  const auto key = PrivateKey::generate_p256();
  const auto issue = [&](const Subject& wanted) {
    return ca.issue(key->public_key(), wanted, 1h, system_clock::now()).error().message;
  };
  auto wanted = subject();
  wanted.common_name.clear();
  CHECK(
      issue(wanted) ==
      "certificate: expected a common name of 1 to 64 printable ASCII characters, found 0 characters");
  wanted = subject();
  wanted.dns_names = {std::string("a\0b", 3)};
  CHECK(
      issue(wanted) ==
      "certificate: expected a DNS name of 1 to 253 printable ASCII characters, found 3 characters");
  wanted = subject();
  wanted.ip_addresses = {"10.0.0.256"};
  CHECK(issue(wanted) == "certificate: expected an IP address, found '10.0.0.256'");
  wanted = subject();
  wanted.server = false;
  CHECK(issue(wanted) ==
        "certificate 'kube-apiserver': expected a usage, client or server, found none");
}

TEST_CASE("an authority is read only whole") {
  const auto ca = authority();
  const auto other = authority();
  CHECK(CertificateAuthority::from_pem(ca.certificate().pem(), other.key_pem()).error().message ==
        "certificate authority 'kubernetes-lab': the key is not that of the certificate");
  const auto key = PrivateKey::generate_p256();
  const auto leaf = ca.issue(key->public_key(), subject(), 1h, system_clock::now());
  CHECK(
      CertificateAuthority::from_pem(leaf->pem(), key->pem()).error().message ==
      "certificate authority 'kube-apiserver': expected a certificate with CA:TRUE, found one without");
}

TEST_CASE("renewal is due at half of the lifetime") {
  const auto ca = authority();
  const auto key = PrivateKey::generate_p256();
  const auto now = floor<seconds>(system_clock::now());
  const auto certificate = ca.issue(key->public_key(), subject(), 115min, now);
  CHECK_FALSE(is_due_for_renewal(*certificate, now + 55min - 1s));
  CHECK(is_due_for_renewal(*certificate, now + 55min));
}

}  // namespace muster
