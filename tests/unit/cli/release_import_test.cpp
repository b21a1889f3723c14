#include <doctest/doctest.h>

#include "../artifact/folders.hpp"
#include "document/release.hpp"
#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

TEST_CASE("a release is sent file by file, its manifest last, and a second time not at all") {
  const sample::Folder folder;
  const Release release = sample::write_release(folder, "3.6.16");
  std::map<std::string, OperatorApi::Answer> answers = {
      {"GET /v1/operator/releases", {200, R"({"releases":[]})"}},
      {"POST /v1/operator/releases", {}}};
  for (const Artifact& artifact : release.artifacts) {
    answers["PUT /v1/operator/artifacts/" + artifact.digest] = {};
  }
  const OperatorApi api(answers);
  const auto ran = fake::muster({"--server", api.url(), "release", "import", folder.path()});
  CHECK(ran.exit == 0);
  CHECK(ran.out == "etcd 3.6.16: imported\n");
  REQUIRE(api.asked().size() == 4);
  CHECK(api.asked()[1] ==
        "PUT /v1/operator/artifacts/" + release.artifacts[0].digest + " server 3.6.16");
  CHECK(api.asked()[3] == "POST /v1/operator/releases " + to_canonical_json(release));

  const OperatorApi again(
      {{"GET /v1/operator/releases",
        {200, R"({"releases":[{"name":"etcd","version":"3.6.16","manifestDigest":")" +
                  digest(release) + R"("}]})"}}});
  CHECK(fake::muster({"--server", again.url(), "release", "import", folder.path()}).out ==
        "etcd 3.6.16: already there\n");
  CHECK(again.asked().size() == 1);
}

TEST_CASE("a release folder with missing files is told before anything is sent") {
  const sample::Folder folder;
  sample::write_release(folder, "3.6.16");
  std::filesystem::remove(folder.path("bin/etcd"));
  const OperatorApi api({});
  const auto ran = fake::muster({"--server", api.url(), "release", "import", folder.path()});
  CHECK(ran.exit == 1);
  CHECK(ran.err == "muster: release etcd 3.6.16: refused, 1 problem:\n" + folder.path("bin/etcd") +
                       ": expected a file, found nothing\n");
  CHECK(api.asked().empty());
}
