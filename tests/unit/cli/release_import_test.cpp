#include <doctest/doctest.h>

#include "../artifact/folders.hpp"
#include "document/release.hpp"
#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

OperatorApi::Answer catalogue_of(const Release& release) {
  return {200, R"({"releases":[{"name":"etcd","version":"3.6.16","manifestDigest":")" +
                   digest(release) + R"("}]})"};
}

}  // namespace

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
      {{"GET /v1/operator/releases", catalogue_of(release)},
       {"POST /v1/operator/releases/etcd/3.6.16/verify", {200, R"({"problems":[]})"}}});
  CHECK(fake::muster({"--server", again.url(), "release", "import", folder.path()}).out ==
        "etcd 3.6.16: already there\n");
  CHECK(again.asked().size() == 2);
  // Of several one document.
  const auto twice = fake::muster(
      {"--server", again.url(), "release", "import", folder.path(), folder.path(), "-o", "json"});
  CHECK(nlohmann::json::parse(twice.out)["releases"].size() == 2);
}

TEST_CASE("of a release that the server has, what it lost is sent") {
  const sample::Folder folder;
  const Release release = sample::write_release(folder, "3.6.16");
  const std::string lost = release.artifacts[1].digest;
  const OperatorApi api(
      {{"GET /v1/operator/releases", catalogue_of(release)},
       {"POST /v1/operator/releases/etcd/3.6.16/verify",
        {200,
         R"({"problems":[{"path":"bin/etcdctl","found":"missing","digest":")" + lost + R"("}]})"}},
       {"PUT /v1/operator/artifacts/" + lost, {}},
       {"POST /v1/operator/releases", {}}});
  CHECK(fake::muster({"--server", api.url(), "release", "import", folder.path()}).out ==
        "etcd 3.6.16: 1 file(s) were missing or damaged on the server, and are there again\n");
  REQUIRE(api.asked().size() == 4);
  CHECK(api.asked()[2] == "PUT /v1/operator/artifacts/" + lost + " client 3.6.16");
}

TEST_CASE("of an empty catalogue all is sound, and no release without a name is missed") {
  const OperatorApi api({{"GET /v1/operator/releases", {200, R"({"releases":[]})"}}});
  const auto all = fake::muster({"--server", api.url(), "release", "verify"});
  CHECK(all.exit == 0);
  CHECK(all.out == "0 release(s) read, sound\n");
  CHECK(fake::muster({"--server", api.url(), "release", "verify", "-o", "json"}).out ==
        "{\n  \"releases\": []\n}\n");
  const auto one = fake::muster({"--server", api.url(), "release", "verify", "etcd"});
  CHECK(one.exit == 1);
  CHECK(one.err ==
        "muster: release etcd: not in the catalogue; `muster release list` shows what is\n");
}

TEST_CASE("prune tells, and does it with --yes alone") {
  const OperatorApi api(
      {{"POST /v1/operator/releases/prune",
        {200,
         R"({"releases":[{"name":"runc","version":"1.0.0"}],"artifacts":3,"bytes":2500000,"dryRun":true})"}}});
  CHECK(
      fake::muster({"--server", api.url(), "release", "prune"}).out ==
      "would remove runc 1.0.0\n1 release(s), 3 file(s), 2.5 MB; nothing was removed: repeat with --yes\n");
  CHECK(api.asked().back() == R"(POST /v1/operator/releases/prune {"dryRun":true})");
  const OperatorApi done(
      {{"POST /v1/operator/releases/prune",
        {200,
         R"({"releases":[{"name":"runc","version":"1.0.0"}],"artifacts":3,"bytes":2500000,"dryRun":false})"}}});
  CHECK(fake::muster({"--server", done.url(), "release", "prune", "--yes"}).out ==
        "removed runc 1.0.0\n1 release(s), 3 file(s), 2.5 MB removed\n");
  CHECK(done.asked().back() == R"(POST /v1/operator/releases/prune {"dryRun":false})");
}

TEST_CASE("verify names each file that is not what it should be") {
  const sample::Folder folder;
  const Release release = sample::write_release(folder, "3.6.16");
  const OperatorApi api(
      {{"GET /v1/operator/releases", catalogue_of(release)},
       {"POST /v1/operator/releases/etcd/3.6.16/verify",
        {200, R"({"problems":[{"path":"bin/etcd","found":"damaged","digest":"sha256:a"}]})"}}});
  const auto ran = fake::muster({"--server", api.url(), "release", "verify"});
  CHECK(ran.exit == 1);
  CHECK(
      ran.out ==
      "etcd 3.6.16: bin/etcd: damaged\nbring them back with muster release import\n1 release(s) read\n");
  const auto none = fake::muster({"--server", api.url(), "release", "verify", "runc"});
  CHECK(none.exit == 1);
  CHECK(none.err ==
        "muster: release runc: not in the catalogue; `muster release list` shows what is\n");
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
