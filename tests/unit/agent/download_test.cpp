#include "agent/download.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

struct DownloadFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  std::string bytes = std::string(3'000'000, 'x') + "end";
  Wanted wanted{sha256_digest(bytes), bytes.size()};
  DownloadFixture() {
    site.artifacts[wanted.digest] = bytes;
    machine.files.put("/d/keep", "");
  }
  Result<void> get(const std::vector<std::string>& sources = {"http://a"}) {
    return download(machine.host, network, sources, wanted, "/d/file", 0755);
  }
};

}  // namespace

TEST_CASE_FIXTURE(DownloadFixture,
                  "an artifact is verified and then moved into place with its mode") {
  REQUIRE(get());
  CHECK(machine.files.text("/d/file") == bytes);
  CHECK(machine.files.status("/d/file")->mode == 0755);
  CHECK_FALSE(machine.files.has("/d/file.part"));
  REQUIRE(get());
  CHECK(network.downloads.size() == 1);
}

TEST_CASE_FIXTURE(DownloadFixture, "an interrupted download goes on where it stopped") {
  network.cut_after = 2'000'000;
  REQUIRE(get());
  CHECK(network.downloads ==
        std::vector<std::string>{wanted.digest + " from 0", wanted.digest + " from 2000000"});
  CHECK(machine.files.text("/d/file") == bytes);
}

TEST_CASE_FIXTURE(DownloadFixture,
                  "altered bytes are never moved into place and are said with both digests") {
  network.altered = wanted.digest;
  const auto got = get({"http://a", "http://b"});
  REQUIRE_FALSE(got);
  CHECK(got.error().kind == ErrorKind::corrupt);
  std::string altered = bytes;
  altered[0] = static_cast<char>(altered[0] ^ 1);
  const std::string refusal =
      "expected digest " + wanted.digest + ", found " + sha256_digest(altered);
  CHECK(got.error().message ==
        wanted.digest + " from no source:\nhttp://a: " + refusal + "\nhttp://b: " + refusal);
  CHECK_FALSE(machine.files.has("/d/file"));
  CHECK_FALSE(machine.files.has("/d/file.part"));
}

TEST_CASE_FIXTURE(DownloadFixture, "a source that sends more than the size is cut off") {
  wanted.size = 10;
  const auto got = get();
  REQUIRE_FALSE(got);
  CHECK(got.error().message.find("expected 10 bytes, found more") != std::string::npos);
  CHECK_FALSE(machine.files.has("/d/file.part"));
}

TEST_CASE_FIXTURE(DownloadFixture, "a full disk is not tried again") {
  machine.files.fail_at = 0;
  CHECK(get().error().kind == ErrorKind::io);
  CHECK(network.downloads.size() == 1);
}

TEST_CASE_FIXTURE(DownloadFixture, "no source at all is said with each one's answer") {
  site.is_away = true;
  CHECK(get().error().message == wanted.digest +
                                     " from no source:\nhttp://a: http://a: connection refused\n"
                                     "http://a: http://a: connection refused\n"
                                     "http://a: http://a: connection refused");
}
