// Who is to blame: one bad source must cost no good one its turn.
#include <doctest/doctest.h>

#include "agent/foundation/download.hpp"
#include "fakes/fake_site.hpp"
#include "fakes/zstd_frames.hpp"

using namespace muster;

namespace {

struct SourcesFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  std::string bytes = frames::text(3'000'000);
  Wanted wanted{sha256_digest(bytes), bytes.size()};
  std::vector<std::string> asked;  // "http://bad from 0 or zstd"
  // What http://bad does; the others have what is there.
  std::function<std::optional<Result<int>>(const Download&)> bad;

  SourcesFixture() {
    site.artifacts[wanted.digest] = bytes;
    machine.files.put("/d/keep", "");
    network.rogue = [this](const std::string& url,
                           const Download& download) -> std::optional<Result<int>> {
      asked.push_back(
          fmt::format("{} from {}{}", url, download.offset, download.takes_zstd ? " or zstd" : ""));
      if (url != "http://bad") return std::nullopt;
      return bad(download);
    };
  }
  Result<void> get(const std::vector<std::string>& sources) {
    asked.clear();
    SourceOrder order(sources);
    auto got = download(machine.host, network, order, wanted, "/d/file", 0755);
    if (got) {
      CHECK((machine.files.text("/d/file") == bytes));
      CHECK_FALSE(machine.files.has("/d/file.part"));
      REQUIRE(machine.files.remove("/d/file"));
    }
    return got;
  }
};

Result<int> cut_off() {
  return fail(ErrorKind::unavailable, "connection reset");
}

}  // namespace

TEST_CASE_FIXTURE(SourcesFixture, "wrong bytes of one source do not refuse the next one") {
  bad = [](const Download& download) -> Result<int> {
    if (download.offset > 0) return fail(ErrorKind::unavailable, "503");
    CHECK(download.sink(std::string(1'000'000, 'y'), Coding::none));
    return cut_off();
  };
  REQUIRE(get({"http://bad", "http://good"}));
  CHECK(asked == std::vector<std::string>{"http://bad from 0 or zstd", "http://bad from 1000000",
                                          "http://bad from 1000000", "http://good from 1000000",
                                          "http://good from 0"});
}

TEST_CASE_FIXTURE(SourcesFixture, "unpacked bytes of one source do not refuse the next one") {
  const std::string form = frames::compress(std::string(bytes.size(), 'y'));
  bad = [&](const Download& download) -> Result<int> {
    if (download.offset > 0) return fail(ErrorKind::not_found, "gone");
    CHECK(download.sink(form.substr(0, form.size() - 20), Coding::zstd));
    return cut_off();
  };
  REQUIRE(get({"http://bad", "http://good"}));
  CHECK(asked.back() == "http://good from 0");
}

TEST_CASE_FIXTURE(SourcesFixture, "a part of wrong bytes, of whatever size, refuses nobody") {
  for (const std::size_t size : {std::size_t{1}, bytes.size() - 1}) {
    machine.files.put("/d/file.part", std::string(size, '\0'));
    REQUIRE(get({"http://good"}));
    CHECK(asked ==
          std::vector<std::string>{fmt::format("http://good from {}", size), "http://good from 0"});
  }
  for (const std::size_t size : {bytes.size(), bytes.size() + 5}) {
    machine.files.put("/d/file.part", std::string(size, '\0'));
    REQUIRE(get({"http://good"}));
    CHECK(asked == std::vector<std::string>{"http://good from 0 or zstd"});
  }
}

TEST_CASE_FIXTURE(SourcesFixture, "a source of mixed blame has one last word, and then the next") {
  machine.files.put("/d/file.part", "y");
  bad = [&](const Download& download) -> Result<int> {
    CHECK(download.sink(std::string(bytes.size() - download.offset, 'n'), Coding::none));
    return download.offset > 0 ? 206 : 200;
  };
  REQUIRE(get({"http://bad", "http://good"}));
  CHECK(asked == std::vector<std::string>{"http://bad from 1", "http://bad from 0",
                                          "http://good from 0 or zstd"});
}

TEST_CASE_FIXTURE(SourcesFixture, "whole but cut off behind its end, it is verified at once") {
  bad = [&](const Download& download) -> Result<int> {
    CHECK(download.sink(bytes, Coding::none));
    return cut_off();
  };
  REQUIRE(get({"http://bad"}));
  bad = [&](const Download& download) -> Result<int> {
    CHECK(download.sink(std::string(bytes.size(), 'y'), Coding::none));
    return cut_off();
  };
  REQUIRE(get({"http://bad", "http://good"}));
  CHECK(asked ==
        std::vector<std::string>{"http://bad from 0 or zstd", "http://good from 0 or zstd"});
}

TEST_CASE_FIXTURE(SourcesFixture, "a zstd form that is not labelled is asked for again, plain") {
  const std::string form = frames::compress(bytes);
  bad = [&](const Download& download) -> std::optional<Result<int>> {
    if (!download.takes_zstd) return std::nullopt;
    CHECK(download.sink(form, Coding::none));
    return 200;
  };
  REQUIRE(get({"http://bad"}));
  CHECK(asked == std::vector<std::string>{"http://bad from 0 or zstd",
                                          fmt::format("http://bad from {}", form.size()),
                                          "http://bad from 0"});
}

TEST_CASE_FIXTURE(SourcesFixture, "an answer that was refused by its head is asked for plain") {
  bad = [&](const Download& download) -> std::optional<Result<int>> {
    if (!download.takes_zstd) return std::nullopt;
    return fail(ErrorKind::invalid, "a part that was not asked for");
  };
  REQUIRE(get({"http://bad"}));
  CHECK(asked == std::vector<std::string>{"http://bad from 0 or zstd", "http://bad from 0"});
}

TEST_CASE_FIXTURE(SourcesFixture, "a source that stalls is left for the next one at once") {
  bad = [](const Download&) -> Result<int> { return fail(ErrorKind::timeout, "no byte came"); };
  REQUIRE(get({"http://bad", "http://good"}));
  CHECK(asked ==
        std::vector<std::string>{"http://bad from 0 or zstd", "http://good from 0 or zstd"});
}

TEST_CASE_FIXTURE(SourcesFixture, "a source that has enough of us is no failure of the disk") {
  bad = [](const Download&) -> Result<int> { return fail(ErrorKind::exhausted, "429"); };
  REQUIRE(get({"http://bad", "http://good"}));
  const auto refused = get({"http://bad"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::unavailable);
}

TEST_CASE_FIXTURE(SourcesFixture, "what is no file is no download of ours") {
  machine.files.put("/elsewhere/victim", bytes);
  REQUIRE(machine.files.link("/d/file", "/elsewhere/victim"));
  REQUIRE(machine.files.link("/d/file.part", "/elsewhere/victim"));
  REQUIRE(get({"http://good"}));
  CHECK((machine.files.text("/elsewhere/victim") == bytes));
  machine.files.put("/d/file.part/inside", "x");
  REQUIRE(get({"http://good"}));
}
