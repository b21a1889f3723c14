#include "http/path_pattern.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

std::string node_of(std::string_view path) {
  const auto match = match_path("/v1/nodes/:cluster/:node", path);
  return match ? match->at("cluster") + "+" + match->at("node") : "no match";
}

}  // namespace

TEST_CASE("parameters are whole segments") {
  CHECK(node_of("/v1/nodes/lab/m1") == "lab+m1");
  CHECK(node_of("/v1/nodes/lab/m%31") == "lab+m1");
  CHECK(match_path("/v1/artifacts/:digest", "/v1/artifacts/sha256%3Aab")->at("digest") ==
        "sha256:ab");
}

TEST_CASE("path tricks match nothing") {
  for (const char* path :
       {"/v1/nodes/lab", "/v1/nodes/lab/m1/", "/v1/nodes//m1", "//v1/nodes/lab/m1",
        "/v1/nodes/lab/..", "/v1/nodes/lab/%2e%2e", "/v1/nodes/lab/.", "/v1/nodes/lab%2fm1",
        "/v1/nodes/lab/a%2Fb", "/v1/nodes/lab/m1%00", "/v1/nodes/lab/m1;x=y", "/v1/nodes/lab/%",
        "/v1/nodes/lab/%4", "/v1/nodes/lab/%zz", "/v1/nodes/lab/%-1", "/V1/nodes/lab/m1",
        "/v1/nodes/lab/m1%20", "/", "/v1/nodes/lab/m1/extra"}) {
    CHECK_MESSAGE(node_of(path) == "no match", path);
  }
  CHECK(node_of("/v1/nodes/lab/" + std::string(129, 'a')) == "no match");
}

TEST_CASE("a last segment may take the rest, of parameters alone") {
  const auto rest_of = [](std::string_view path) {
    const auto match = match_path("/ec2/:mark/*path", path);
    return match ? match->at("mark") + "+" + match->at("path") : "no match";
  };
  CHECK(rest_of("/ec2/m/latest") == "m+latest");
  CHECK(rest_of("/ec2/m/latest/meta-data/") == "m+latest/meta-data/");
  CHECK(rest_of("/ec2/m/a/0c%3Ac4") == "m+a/0c:c4");
  CHECK(rest_of("/ec2/m/") == "m+");
  CHECK(rest_of("/ec2/m//latest") == "m+latest");
  for (const char* path :
       {"/ec2/m", "/ec2", "/ec2/m/a//b", "/ec2/m///a", "/ec2/m/../a", "/ec2/m/a/%2e%2e/b",
        "/ec2/m/a%2fb", "/ec2/m/a%20b", "/ec2/m/a/%", "//ec2/m/a", "/ec2/m/a//"}) {
    CHECK_MESSAGE(rest_of(path) == "no match", path);
  }
  CHECK(match_path("/*path", "/")->at("path") == "");
  CHECK(takes_any_rest("/*path"));
  CHECK(takes_any_rest("/ec2/:mark/*path"));
  CHECK_FALSE(takes_any_rest("/ec2/:mark"));
}
