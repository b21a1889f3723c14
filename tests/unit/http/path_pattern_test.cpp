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
  for (const char* path :
       {"/ec2/m", "/ec2", "/ec2/m/a//b", "/ec2/m//a", "/ec2/m/../a", "/ec2/m/a/%2e%2e/b",
        "/ec2/m/a%2fb", "/ec2/m/a%20b", "/ec2/m/a/%", "//ec2/m/a", "/ec2/m/a//"}) {
    CHECK_MESSAGE(rest_of(path) == "no match", path);
  }
  CHECK(match_path("/*path", "/")->at("path") == "");
  CHECK(takes_any_rest("/*path"));
  CHECK(takes_any_rest("/ec2/:mark/*path"));
  CHECK_FALSE(takes_any_rest("/ec2/:mark"));
}

TEST_CASE("free text takes what a mark of hardware may have, slashes too, and is decoded once") {
  const auto mark_of = [](std::string_view path) {
    const auto match = match_path("/nocloud/:mark/+value/:file", path);
    return match ? match->at("mark") + "|" + match->at("value") + "|" + match->at("file")
                 : "no match";
  };
  CHECK(mark_of("/nocloud/serial/S1/meta-data") == "serial|S1|meta-data");
  CHECK(mark_of("/nocloud/serial/VMware-56%204d%2F+%2B%25/meta-data") ==
        "serial|VMware-56 4d/++%|meta-data");
  CHECK(mark_of("/nocloud/serial/AB/12/C/meta-data") == "serial|AB/12/C|meta-data");
  CHECK(mark_of("/nocloud/serial/%2541/meta-data") == "serial|%41|meta-data");
  // As whoever fills a serial number in without encoding it sends it.
  for (const char* raw : {"50%", "%zz", "%4", "a;b", "${serial}", "\xc3\xa9"}) {
    CHECK(mark_of("/nocloud/serial/" + std::string(raw) + "/meta-data") ==
          "serial|" + std::string(raw) + "|meta-data");
  }
  for (const char* path :
       {"/nocloud/serial/meta-data", "/nocloud/serial//meta-data", "/nocloud/serial/./meta-data",
        "/nocloud/serial/../meta-data", "/nocloud/serial/a/../meta-data",
        "/nocloud/serial/%2e%2e%2fa/meta-data", "/nocloud/serial/a%2f..%2fb/meta-data",
        "/nocloud/serial/a%00b/meta-data", "/nocloud/serial/a%0Ab/meta-data",
        "/nocloud/serial/a%7F/meta-data", "/nocloud/serial/a%2Fmeta-data",
        "/nocloud%2Fserial%2Fa/meta-data", "/nocloud/serial/a/meta%2Fdata", "/nocloud/serial/a/",
        "/nocloud/a b/c/meta-data"}) {
    CHECK_MESSAGE(mark_of(path) == "no match", path);
  }
  CHECK(mark_of("/nocloud/serial/" + std::string(128, 'a') + "/f") ==
        "serial|" + std::string(128, 'a') + "|f");
  CHECK(mark_of("/nocloud/serial/" + std::string(129, 'a') + "/f") == "no match");
  CHECK(mark_of("/nocloud/serial/" + std::string(64, 'a') + "/" + std::string(64, 'a') + "/f") ==
        "no match");
}

TEST_CASE("free text before a rest is one segment") {
  const auto match = match_path("/ec2/:mark/+value/*path", "/ec2/serial/A%2F1%20/latest/x/");
  REQUIRE(match);
  CHECK(match->at("value") == "A/1 ");
  CHECK(match->at("path") == "latest/x/");
  CHECK(match_path("/ec2/:mark/+value/*path", "/ec2/serial/A/")->at("path") == "");
  CHECK_FALSE(match_path("/ec2/:mark/+value/*path", "/ec2/serial/A"));
}

TEST_CASE("doubled slashes become one") {
  CHECK(one_slash_each("//a///b/") == "/a/b/");
  CHECK(one_slash_each("/a%2F/b//") == "/a%2F/b/");
  CHECK(one_slash_each("/") == "/");
}
