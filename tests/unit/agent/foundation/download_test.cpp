#include "agent/foundation/download.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_site.hpp"
#include "fakes/zstd_frames.hpp"

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
    SourceOrder order(sources);
    return download(machine.host, network, order, wanted, "/d/file", 0755);
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
  CHECK(network.downloads == std::vector<std::string>{wanted.digest + " from 0 or zstd",
                                                      wanted.digest + " from 2000000"});
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

TEST_CASE_FIXTURE(DownloadFixture,
                  "what an earlier run left is gone on with, and verified with the rest") {
  machine.files.put("/d/file.part", bytes.substr(0, 1'000'000));
  REQUIRE(get());
  CHECK(network.downloads == std::vector<std::string>{wanted.digest + " from 1000000"});
  CHECK(machine.files.text("/d/file") == bytes);

  REQUIRE(machine.files.remove("/d/file"));
  machine.files.put("/d/file.part", bytes);
  network.downloads.clear();
  REQUIRE(get());
  CHECK(network.downloads.empty());
}

namespace {

struct CodedFixture : DownloadFixture {
  CodedFixture() {
    bytes = frames::text(3'000'000);
    wanted = {sha256_digest(bytes), bytes.size()};
    site.artifacts[wanted.digest] = bytes;
    network.zstd_forms[wanted.digest] = frames::compress(bytes);
  }
  std::string& form() { return network.zstd_forms[wanted.digest]; }
  // The form is refused with this, and plain bytes of the same source are taken.
  void refused_for_plain(const std::string& why) {
    CAPTURE(why);
    network.downloads.clear();
    const auto got = get();
    CHECK(got.has_value());
    CHECK(network.downloads ==
          std::vector<std::string>{wanted.digest + " from 0 or zstd", wanted.digest + " from 0"});
    CHECK((machine.files.text("/d/file") == bytes));
    REQUIRE(machine.files.remove("/d/file"));
    site.artifacts[wanted.digest] = "";
    const auto refused = get().error();
    site.artifacts[wanted.digest] = bytes;
    CHECK(refused.message.starts_with(wanted.digest + " from no source:\nhttp://a: " + why + "\n"));
  }
};

}  // namespace

TEST_CASE_FIXTURE(CodedFixture, "a zstd form is unpacked and verified as it arrives") {
  REQUIRE(get());
  CHECK(network.downloads == std::vector<std::string>{wanted.digest + " from 0 or zstd"});
  CHECK((machine.files.text("/d/file") == bytes));
  CHECK_FALSE(machine.files.has("/d/file.part"));
}

TEST_CASE_FIXTURE(CodedFixture, "an interrupted zstd form goes on with plain bytes") {
  network.cut_after = form().size() / 2;
  REQUIRE(get());
  REQUIRE(network.downloads.size() == 2);
  CHECK(network.downloads[0] == wanted.digest + " from 0 or zstd");
  CHECK(network.downloads[1].starts_with(wanted.digest + " from 1"));
  CHECK((machine.files.text("/d/file") == bytes));
}

TEST_CASE_FIXTURE(CodedFixture,
                  "a zstd form that is no good is refused, and the same source asked for plain") {
  const std::string good = form();
  form() = good.substr(0, good.size() / 2);
  form().resize(10);
  refused_for_plain("expected the end of a zstd frame, found that of the answer after 0 bytes");
  form().clear();
  refused_for_plain("expected the end of a zstd frame, found that of the answer after 0 bytes");
  form() = good + "x";
  refused_for_plain("expected one zstd frame, found bytes after its end");
  form() = "<html>not found</html>";
  refused_for_plain("expected a zstd frame (it begins with 28 B5 2F FD), found 3C 68 74 6D");
  form() = frames::zeros(1u << 28);
  refused_for_plain("expected 3000000 bytes, found more");
  form() = frames::compress(bytes.substr(1));
  refused_for_plain("expected 3000000 bytes, found 2999999");
  std::string other = bytes;
  other[7] = 'z';
  form() = frames::compress(other);
  refused_for_plain("expected digest " + wanted.digest + ", found " + sha256_digest(other));
  form() = frames::compress(std::string(40'000'000, 'w'), 27);
  refused_for_plain("expected a zstd window of at most 8388608 bytes, found 67108864");
}

TEST_CASE_FIXTURE(CodedFixture, "where nothing of a source is good, the next one is asked") {
  form() = "no zstd";
  network.altered = wanted.digest;
  CHECK_FALSE(get({"http://a", "http://b"}));
  CHECK(network.downloads ==
        std::vector<std::string>{wanted.digest + " from 0 or zstd", wanted.digest + " from 0",
                                 wanted.digest + " from 0 or zstd", wanted.digest + " from 0"});
  CHECK_FALSE(machine.files.has("/d/file.part"));
}

TEST_CASE_FIXTURE(CodedFixture, "a full disk ends a zstd form too") {
  machine.files.fail_at = 0;
  CHECK(get().error().kind == ErrorKind::io);
  CHECK(network.downloads.size() == 1);
}
