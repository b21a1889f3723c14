#include "pki/private_key.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/openssl_text.hpp"

namespace muster {

TEST_CASE("a public key is encoded as OpenSSL does, of whatever kind it is") {
  for (const auto& make :
       {PrivateKey::generate_p256, PrivateKey::generate_ed25519, PrivateKey::generate_rsa2048}) {
    const PublicKey key = make()->public_key();
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key.native(), &der);
    REQUIRE(size > 0);
    CHECK(public_der(key.native()) == as_text(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
  }
  CHECK(p256_point(PrivateKey::generate_p256()->native()).size() == 65);
  CHECK(p256_point(PrivateKey::generate_ed25519()->native()).empty());
  const std::shared_ptr<EVP_PKEY> other(EVP_EC_gen("P-384"), EVP_PKEY_free);
  CHECK(p256_point(other.get()).empty());
  // As it came it goes: a fingerprint is of the bytes that its owner sees.
  const std::shared_ptr<EVP_PKEY> compressed(EVP_EC_gen("P-256"), EVP_PKEY_free);
  REQUIRE(EVP_PKEY_set_utf8_string_param(compressed.get(), "point-format", "compressed") == 1);
  CHECK(p256_point(compressed.get()).empty());
}

namespace {
// RFC 8410, section 10.3: this pair is public.
constexpr std::string_view rfc8410_private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view rfc8410_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";
}  // namespace

TEST_CASE("fingerprint and signature are those of the openssl command") {
  const auto key = PrivateKey::from_pem(rfc8410_private);
  REQUIRE(key);
  CHECK(key->pem() == rfc8410_private);
  CHECK(key->public_key().pem() == rfc8410_public);
  // openssl pkey -pubin -in p.pem -outform DER | sha256sum
  CHECK(key->public_key().fingerprint() ==
        "sha256:a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
  // printf hello > m; openssl pkeyutl -sign -rawin -inkey k.pem -in m | base64
  CHECK(base64_encode(key->sign("hello").value()) ==
        "etRhp5qguj1MARyAoWZnALHhJ2kHr9csLAIwo3ATPLoM+IHmnwPkhgvXGtbgveMXNRzVZnKscXcjo4qDpmaoCQ==");
}

TEST_CASE("every kind of key signs, and verifies only what it signed") {
  for (const auto& key : {PrivateKey::generate_p256(), PrivateKey::generate_ed25519(),
                          PrivateKey::generate_rsa2048()}) {
    REQUIRE(key);
    const auto read = PrivateKey::from_pem(key->pem());
    REQUIRE(read);
    const auto signature = read->sign("a message");
    REQUIRE(signature);
    const auto public_key = PublicKey::from_pem(key->public_key().pem());
    REQUIRE(public_key);
    CHECK(public_key->verify("a message", *signature));
    const auto refused = public_key->verify("another message", *signature);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::unauthenticated);
    CHECK(refused.error().message ==
          fmt::format("the signature does not verify with key {}", public_key->fingerprint()));
    CHECK_FALSE(public_key->verify("a message", ""));
  }
}

TEST_CASE("a public key does not carry the private half") {
  const auto key = PrivateKey::generate_ed25519();
  CHECK_FALSE(PrivateKey(std::shared_ptr<EVP_PKEY>(key->public_key().native(), [](EVP_PKEY*) {
              })).sign("x"));
}

TEST_CASE("what is no key is refused with the form that was expected") {
  CHECK(PrivateKey::from_pem("nonsense").error().message ==
        "private key: expected PEM 'PRIVATE KEY' without a passphrase, found something else");
  CHECK(PublicKey::from_pem("").error().message ==
        "public key: expected PEM 'PUBLIC KEY', found something else");
  CHECK_FALSE(PublicKey::from_pem(rfc8410_private));
}

}  // namespace muster
