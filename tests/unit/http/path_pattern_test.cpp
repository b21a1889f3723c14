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
