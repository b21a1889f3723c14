#include "agent/run/secret_mask.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"
#include "pki/private_key.hpp"

using namespace muster;

TEST_CASE("a secret is taken out, as it is and in base64") {
  SecretMask mask;
  mask.add("hunter2secret\n");
  CHECK(mask.apply("login with 'hunter2secret' refused") == "login with '[secret]' refused");
  CHECK(mask.apply("sent " + base64_encode("hunter2secret")) == "sent [secret]");
  CHECK(mask.apply("sent " + base64_encode("hunter2secret\n")) == "sent [secret]");
  CHECK(mask.apply("hunter2 is another word") == "hunter2 is another word");
}

TEST_CASE("fields of a secret are secrets, their names are not") {
  SecretMask mask;
  mask.add(R"({"username":"builder","password":"s3cr3t-of-ci"})");
  mask.add(
      "resources:\n- secrets\nproviders:\n- aescbc:\n    keys:\n    - secret: \"bXkta2V5LWJ5dGVz\"\n");
  mask.add("robot:another-password\n");
  CHECK(mask.apply("401 for builder:s3cr3t-of-ci") == "401 for [secret]:[secret]");
  CHECK(mask.apply("password of resources, providers") == "password of resources, providers");
  CHECK(mask.apply("key bXkta2V5LWJ5dGVz") == "key [secret]");
  CHECK(mask.apply("Basic " + base64_encode("robot:another-password")) == "Basic [secret]");
  CHECK(mask.apply("another-password") == "[secret]");
}

TEST_CASE("nothing short enough to stand in any word is masked") {
  SecretMask mask;
  mask.add("on\n");
  mask.add("");
  CHECK(mask.apply("one node is on") == "one node is on");
}

TEST_CASE("PEM blocks go whole, on one line or over many, and what is left of one too") {
  const SecretMask mask;
  CHECK(
      mask.apply("key -----BEGIN EC PRIVATE KEY-----\\nMHcC\\n-----END EC PRIVATE KEY----- bad") ==
      "key [secret] bad");
  CHECK(mask.apply("cut -----BEGIN EC PRIVATE KEY-----\\nMHcC") == "cut [secret]");
  CHECK(
      mask.apply(std::vector<std::string>{"before", "-----BEGIN PRIVATE KEY-----", "MIGHAgEA",
                                          "AwEHoUQ=", "-----END PRIVATE KEY-----", "after"}) ==
      std::vector<std::string>{"before", "[secret]", "[secret]", "[secret]", "[secret]", "after"});
  CHECK(mask.apply(std::vector<std::string>{"MIGHAgEA", "AwEHoUQ=", "-----END PRIVATE KEY-----",
                                            "after"}) ==
        std::vector<std::string>{"[secret]", "[secret]", "[secret]", "after"});
  CHECK(mask.apply(std::vector<std::string>{"x -----BEGIN PRIVATE KEY-----\\nMI", "it went on"}) ==
        std::vector<std::string>{"x [secret]", "it went on"});
  // Indented, and behind what a log writes before each line.
  const std::string row = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
  CHECK(mask.apply(std::vector<std::string>{"    -----BEGIN PRIVATE KEY-----", "    " + row,
                                            "    AwEHoUQ", "    -----END PRIVATE KEY-----"}) ==
        std::vector<std::string>{"    [secret]", "[secret]", "[secret]", "[secret]"});
  CHECK(mask.apply(std::vector<std::string>{
            "E1201 key] -----BEGIN PRIVATE KEY-----", "E1201 key] " + row,
            "E1201 key] AwEHoUQ=", "E1201 key] -----END PRIVATE KEY-----", "E1201 key] done"}) ==
        std::vector<std::string>{"E1201 key] [secret]", "[secret]", "[secret]", "[secret]",
                                 "E1201 key] done"});
}

TEST_CASE("a line of a key that is cut out of its block is masked") {
  const auto key = PrivateKey::generate_p256().value().pem();
  SecretMask mask;
  mask.add(key);
  const std::size_t second = key.find('\n') + 1;
  const std::string line = key.substr(second, key.find('\n', second) - second);
  CHECK(mask.apply("found " + line) == "found [secret]");
}

TEST_CASE("bearer tokens and web tokens") {
  const SecretMask mask;
  CHECK(mask.apply("Authorization: Bearer abc.def, next") ==
        "Authorization: Bearer [secret], next");
  CHECK(mask.apply("authorization: bearer abcdef") == "authorization: bearer [secret]");
  CHECK(mask.apply("token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln used") ==
        "token [secret] used");
  CHECK(mask.apply("a bearer of news") == "a bearer of news");
  CHECK(mask.apply("Bearer  abcdef, Bearer\tghijkl") == "Bearer  [secret], Bearer\t[secret]");
  CHECK(mask.apply("token: eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJ4In0.c2ln") == "token: [secret]");
}

TEST_CASE("files that cannot be read hide nothing and stop nothing") {
  FakeHost machine;
  machine.files.put("/etc/muster/secrets/registry", "hub-password-1");
  SecretMask mask;
  mask.add_files(machine.files, {"/absent", "/etc/muster/secrets/registry"});
  CHECK(mask.apply("hub-password-1") == "[secret]");
}
