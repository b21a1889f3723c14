#include "pki/signature.hpp"

#include <doctest/doctest.h>

namespace muster {

TEST_CASE("digests are those of sha256sum") {
  CHECK(sha256_digest("") ==
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_digest("abc") ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  DigestStream stream;
  stream.update("a");
  stream.update("");
  stream.update("bc");
  CHECK(stream.finish() == sha256_digest("abc"));
}

TEST_CASE("hmac_sha256 follows RFC 4231, case 2") {
  CHECK(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("a digest is recognised by its exact form") {
  const std::string digest = sha256_digest("abc");
  CHECK(is_digest(digest));
  CHECK_FALSE(is_digest(digest.substr(1)));
  CHECK_FALSE(is_digest(digest + "0"));
  CHECK_FALSE(is_digest("sha256:" + std::string(64, 'A')));
  CHECK_FALSE(is_digest("sha512:" + std::string(64, 'a')));
}

TEST_CASE("base64 follows RFC 4648 section 10") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foobar") == "Zm9vYmFy");
  CHECK(base64_decode("").value() == "");
  CHECK(base64_decode("Zg==").value() == "f");
  CHECK(base64_decode("Zm8=").value() == "fo");
  CHECK(base64_decode("Zm9vYmFy").value() == "foobar");
  const std::string bytes = random_bytes(1000);
  CHECK(base64_decode(base64_encode(bytes)).value() == bytes);
}

TEST_CASE("base64 refuses every second spelling") {
  CHECK(base64_decode("Zg=").error().message ==
        "base64: expected a length that is a multiple of 4, found 3 characters");
  CHECK(base64_decode("Zg\n=").error().message == "base64: unexpected character at offset 2");
  CHECK(base64_decode("Z===").error().message == "base64: unexpected character at offset 1");
  CHECK(base64_decode("Zm=9").error().message == "base64: unexpected character at offset 2");
  CHECK(base64_decode("Zm9-").error().message == "base64: unexpected character at offset 3");
  CHECK(base64_decode("Zh==").error().message ==
        "base64: the last character has bits that belong to no byte");
}

TEST_CASE("hexadecimal, random bytes and comparison") {
  CHECK(hex_encode(std::string_view("\x00\x7f\xff", 3)) == "007fff");
  CHECK(random_bytes(16).size() == 16);
  CHECK(random_bytes(16) != random_bytes(16));
  CHECK(equal_secrets("abc", "abc"));
  CHECK(equal_secrets("", ""));
  CHECK_FALSE(equal_secrets("abc", "abd"));
  CHECK_FALSE(equal_secrets("abc", "abcd"));
}

}  // namespace muster
