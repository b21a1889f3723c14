#include "pki/certificate.hpp"

#include <doctest/doctest.h>

namespace muster {

namespace {

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ck.pem -out c.pem
//   -days 36500 -subj '/O=muster:machine/OU=lab/CN=n1' -set_serial 0x4f00ab
//   -addext 'subjectAltName=DNS:n1,IP:10.77.0.11' -addext 'extendedKeyUsage=clientAuth'
//   -addext basicConstraints=critical,CA:FALSE
const std::string sample = R"(-----BEGIN CERTIFICATE-----
MIIB1TCCAXugAwIBAgIDTwCrMAoGCCqGSM49BAMCMDQxFzAVBgNVBAoMDm11c3Rl
cjptYWNoaW5lMQwwCgYDVQQLDANsYWIxCzAJBgNVBAMMAm4xMCAXDTI2MTEyMTA2
MjA0OFoYDzIxMjYxMDI4MDYyMDQ4WjA0MRcwFQYDVQQKDA5tdXN0ZXI6bWFjaGlu
ZTEMMAoGA1UECwwDbGFiMQswCQYDVQQDDAJuMTBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABCt1nhAivhY2vk2jGsulyNaYxI2LJJLLUFKYJkdCx2cF/sjLisNn2ZBd
46ade6CYjoeWZFtTilTzlX66hbXZlyOjejB4MB0GA1UdDgQWBBTH9+9Eh5ysw8NF
B5NemFxzDztg9jAfBgNVHSMEGDAWgBTH9+9Eh5ysw8NFB5NemFxzDztg9jATBgNV
HREEDDAKggJuMYcECk0ACzATBgNVHSUEDDAKBggrBgEFBQcDAjAMBgNVHRMBAf8E
AjAAMAoGCCqGSM49BAMCA0gAMEUCIDYeQXJrVGVq0TxErBJNMNaf5kmu25DIrdUH
KVFDw3ueAiEAlYaIN225q5/qeDoP4lLYDnKePmELkBJh0nuyG96uJ2E=
-----END CERTIFICATE-----
)";

// openssl req -new -newkey rsa:1024 -nodes -subj /CN=x
constexpr std::string_view weak_request = R"(-----BEGIN CERTIFICATE REQUEST-----
MIIBSzCBtQIBADAMMQowCAYDVQQDDAF4MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB
iQKBgQC7ndqEMkoOsXVBsfgGvejk3VzAfYQqDDiion0XIZ4UoMY7a4igch5HX6Ka
vbqYiZqNgdWtgkci+HGhb9HsncMMNeCLcevu/5oOHGyENnRMaPPWzP/2d7SqgtA0
/jr2LtG0RnMGceSh0YvO0Bw7wB9vVXPUBO2WJKXwGp3SK+c4gQIDAQABoAAwDQYJ
KoZIhvcNAQELBQADgYEAHmTQ/QeiEbnh0h1gp2SzBZqhiR4nmPZHQP11K8tptLaK
GdMa/SGFnMp7BS38bGxp4Vxla2qHZRlSVjsy8HL6qdnmgVqRQ409itIsZSSrma6g
yomL9eiNl9eaU/jeHKSaeZW2Iu1+CljIF3OwgG6TZGOEEe60YXZuuWvNaGR/nK4=
-----END CERTIFICATE REQUEST-----
)";

// openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj /CN=x
constexpr std::string_view p384_request = R"(-----BEGIN CERTIFICATE REQUEST-----
MIIBBDCBiwIBADAMMQowCAYDVQQDDAF4MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE
XUcTJ7IQ3Aom4n/RnDTM9kNRVxZWsX9M25btwD1KrQ+aALCVrYOAzjC9R2D3c3b5
/+dbk37xHebV4P9bbmPnI17loRV86ox4vKKAL0LE01YuZ7CO1Jjefg/uIR8iVxyO
oAAwCgYIKoZIzj0EAwIDaAAwZQIwB+QsPvoCrolTGReNWjzeF2R28wUoViwoS2Fq
IEbM4wmsYmPi6Ig3ln3LxnxiMEMPAjEApOgQgdCfSIDHc/lqZQmLJ3nLvtnFmCf/
3qAhAbrmsNIIKvctH1YvZVPamaVscTuH
-----END CERTIFICATE REQUEST-----
)";

}  // namespace

TEST_CASE("a certificate of the openssl command reads as it was made") {
  const auto certificate = Certificate::from_pem("leading text\n" + sample);
  REQUIRE(certificate);
  CHECK(certificate->pem() == sample);
  // openssl x509 -in c.pem -outform DER | sha256sum
  CHECK(certificate->fingerprint() ==
        "sha256:76314d68907640372c90319e78c49d630eab1258099a220380bec0d6ffca263a");
  CHECK(certificate->serial() == "4f00ab");
  CHECK(certificate->common_name() == "n1");
  CHECK(certificate->organizations() == std::vector<std::string>{"muster:machine"});
  CHECK(certificate->organizational_units() == std::vector<std::string>{"lab"});
  CHECK(certificate->dns_names() == std::vector<std::string>{"n1"});
  CHECK(certificate->ip_addresses() == std::vector<std::string>{"10.77.0.11"});
  CHECK_FALSE(certificate->is_authority());
  CHECK(certificate->allows_client());
  CHECK_FALSE(certificate->allows_server());
  using std::chrono::system_clock;
  CHECK(system_clock::to_time_t(certificate->not_before()) == 1795242048);
  CHECK(system_clock::to_time_t(certificate->not_after()) == 4948842048);
}

TEST_CASE("a list of certificates is read whole or not at all") {
  CHECK(Certificate::list_from_pem(sample + sample)->size() == 2);
  CHECK(Certificate::list_from_pem("").error().message ==
        "reading certificate 1 (PEM 'CERTIFICATE' expected): no start line");
  std::string damaged = sample + sample;
  damaged[damaged.size() - 100] = '!';
  CHECK(Certificate::list_from_pem(damaged).error().message ==
        "reading certificate 2 (PEM 'CERTIFICATE' expected): bad base64 decode");
}

TEST_CASE("a request proves its key") {
  for (const auto& key : {PrivateKey::generate_p256(), PrivateKey::generate_ed25519(),
                          PrivateKey::generate_rsa2048()}) {
    const auto request = CertificateRequest::create(*key, "n1");
    REQUIRE(request);
    const auto read = CertificateRequest::from_pem(request->pem());
    REQUIRE(read);
    CHECK(read->public_key().fingerprint() == key->public_key().fingerprint());
  }
}

TEST_CASE("a request that was altered, weak, of another curve or too large is refused") {
  const auto key = PrivateKey::generate_ed25519();
  // The last 64 bytes of the DER are the signature; the base64 of its end is the last text line.
  std::string altered = CertificateRequest::create(*key, "n1")->pem();
  char& letter = altered[altered.find("\n-----END") - 8];
  letter = letter == 'A' ? 'B' : 'A';
  const auto refused = CertificateRequest::from_pem(altered);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::unauthenticated);
  CHECK(
      refused.error().message ==
      "certificate request: its own signature does not verify, so its sender has not proven to hold the key");
  CHECK(
      CertificateRequest::from_pem(weak_request).error().message ==
      "certificate request: expected an RSA key of at least 2048 bits, found 1024 bits. Use P-256.");
  CHECK(CertificateRequest::from_pem(p384_request).error().message ==
        "certificate request: expected the curve P-256, found 'secp384r1'");
  CHECK(CertificateRequest::from_pem(std::string(20000, 'x')).error().message ==
        "certificate request: expected at most 16384 bytes, found 20000");
  CHECK(CertificateRequest::from_pem(sample).error().message ==
        "reading a certificate request (PEM 'CERTIFICATE REQUEST' expected): no start line");
}

}  // namespace muster
