#include "agent/node/registry_credentials.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

const std::vector<std::string> registries = {"registry.lab:5000=/etc/muster/secrets/pull"};

std::string question(const std::string& image) {
  return R"({"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderRequest","image":")" +
         image + R"("})";
}

}  // namespace

TEST_CASE("an image of a known registry gets the secret's credential") {
  FakeFilesystem files;
  files.put("/etc/muster/secrets/pull", R"({"username":"u","password":"p"})", 0600);
  const auto answer = registry_credentials(files, registries, question("registry.lab:5000/app:1"));
  REQUIRE(answer);
  CHECK(
      nlohmann::json::parse(*answer) ==
      nlohmann::json::parse(
          R"({"apiVersion":"credentialprovider.kubelet.k8s.io/v1",)"
          R"("kind":"CredentialProviderResponse","cacheKeyType":"Registry",)"
          R"("cacheDuration":"0s","auth":{"registry.lab:5000":{"username":"u","password":"p"}}})"));
}

TEST_CASE("an image of another registry gets none, also where the name begins alike") {
  FakeFilesystem files;
  for (const auto* image : {"registry.lab:50001/app", "registry.k8s.io/pause:3.10", "pull"}) {
    const auto answer = registry_credentials(files, registries, question(image));
    REQUIRE(answer);
    CHECK(nlohmann::json::parse(*answer)["auth"].empty());
  }
}

TEST_CASE("a secret of another form is told without its content") {
  FakeFilesystem files;
  files.put("/etc/muster/secrets/pull", R"({"username":"u","token":"hush"})", 0600);
  CHECK(
      registry_credentials(files, registries, question("registry.lab:5000/app")).error().message ==
      "credential of registry registry.lab:5000: '/etc/muster/secrets/pull': expected {\"username\": TEXT, \"password\": TEXT}, found something else; run `muster secret set`");
}

TEST_CASE("a request of another version is refused") {
  FakeFilesystem files;
  CHECK(
      registry_credentials(files, registries, R"({"apiVersion":"v9","image":"a"})")
          .error()
          .message ==
      "image credential request: /apiVersion: expected credentialprovider.kubelet.k8s.io/v1, found 'v9'");
}
