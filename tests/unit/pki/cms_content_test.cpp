#include "pki/cms_content.hpp"

#include <doctest/doctest.h>

#include "fakes/cms_signer.hpp"

using namespace muster;

namespace {

const CmsSigner& trusted() {
  static const CmsSigner signer(1);
  return signer;
}
const CmsSigner& attacker() {
  static const CmsSigner signer(2);
  return signer;
}
// The attacker's certificate under the trusted one's issuer and serial number.
const CmsSigner& namesake() {
  static const CmsSigner signer(1);
  return signer;
}

std::string why_not(const std::string& der) {
  const auto verified = verify_cms(der, {trusted().certificate()});
  return verified ? "verified: " + verified->bytes : verified.error().message;
}

}  // namespace

TEST_CASE("what a pinned certificate signed is given back, byte by byte") {
  const std::string text = "{\"a\":1,\n\r\n\"b\":2}\0x";
  const auto verified =
      verify_cms(trusted().sign(text), {attacker().certificate(), trusted().certificate()});
  REQUIRE(verified);
  CHECK(verified->bytes == text);
  CHECK(verified->signer == 1);
}

TEST_CASE("a signer that the message itself brings is no signer") {
  const std::string none =
      "CMS message: it is signed by none of the certificates that are trusted for it";
  CHECK(why_not(attacker().sign("x")) == none);
  CHECK(why_not(attacker().sign("x", EVP_sha256(), 0)) == none);
  CHECK(why_not(namesake().sign("x", EVP_sha256(), 0)) ==
        "CMS message: signature: verification failure");
}

TEST_CASE("weak and unusual messages are refused") {
  CHECK(why_not(trusted().sign("x", EVP_sha1())) ==
        "CMS message: expected a signature over SHA-256, SHA-384 or SHA-512, found SHA1");
  CHECK(why_not(trusted().sign("x", EVP_sha256(), CMS_NOCERTS, &attacker())) ==
        "CMS message: expected one signature, found 2");
  CHECK(why_not(trusted().sign("x", EVP_sha256(), CMS_NOCERTS | CMS_DETACHED)) ==
        "CMS message: expected the content inside, found none");
  const CmsSigner small(3, 1024);
  CHECK(verify_cms(small.sign("x"), {small.certificate()}).error().message ==
        "CMS message: expected a signer with an RSA key of at least 2048 bits or an EC key");
}

TEST_CASE("damaged messages are refused") {
  const std::string sound = trusted().sign("a document");
  CHECK(why_not(sound) == "verified: a document");
  CHECK(why_not(sound + "x") == "CMS message: expected nothing after it, found more bytes");
  CHECK(why_not(std::string((64u << 10) + 1, 'x')) ==
        "CMS message: expected at most 65536 bytes, found 65537");
  for (std::size_t i = 0; i < sound.size(); ++i) {
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const auto verified = verify_cms(damaged, {trusted().certificate()});
    // A few bytes are not covered: the version numbers that OpenSSL does not look at.
    if (verified) CHECK(verified->bytes == "a document");
    CHECK_FALSE(verify_cms(sound.substr(0, i), {trusted().certificate()}));
  }
}
