#include "agent/foundation/zstd_stream.hpp"

#include <doctest/doctest.h>

#include "fakes/zstd_frames.hpp"

using namespace muster;

namespace {

struct Unpacked {
  std::string plain, problem;
};

// In pieces of `step` bytes.
Unpacked unpack(const std::string& coded, std::uint64_t largest, std::size_t step = 1000) {
  ZstdStream stream(largest);
  Unpacked unpacked;
  const auto sink = [&](std::string_view plain) -> Result<void> {
    unpacked.plain += plain;
    return {};
  };
  for (std::size_t at = 0; at < coded.size(); at += step) {
    if (auto added = stream.add(std::string_view(coded).substr(at, step), sink); !added) {
      unpacked.problem = added.error().message;
      CHECK(added.error().kind == ErrorKind::corrupt);
      return unpacked;
    }
  }
  if (auto ended = stream.finish(); !ended) unpacked.problem = ended.error().message;
  return unpacked;
}

}  // namespace

TEST_CASE("a frame is unpacked, whatever the pieces it comes in") {
  const std::string plain = frames::text(700'000);
  const std::string coded = frames::compress(plain);
  for (const std::size_t step : {std::size_t{1}, std::size_t{17}, coded.size()}) {
    const auto unpacked = unpack(coded, plain.size(), step);
    CHECK(unpacked.problem.empty());
    CHECK((unpacked.plain == plain));
  }
}

TEST_CASE("a truncated frame is told apart from a whole one") {
  const std::string plain = frames::text(700'000);
  const std::string coded = frames::compress(plain);
  CHECK(unpack(coded.substr(0, coded.size() - 1), plain.size())
            .problem.starts_with(
                "expected the end of a zstd frame, found that of the answer after "));
  CHECK(unpack("", 10).problem ==
        "expected the end of a zstd frame, found that of the answer after 0 bytes");
}

TEST_CASE("what holds more than was promised ends there") {
  const std::string bomb = frames::zeros(1u << 30);
  CHECK(bomb.size() < 100'000);
  const auto unpacked = unpack(bomb, 3'000'000);
  CHECK(unpacked.problem == "expected 3000000 bytes, found more");
  CHECK(unpacked.plain.size() <= 3'000'000);
}

TEST_CASE("a window of more than 8 MiB is refused before memory is taken for it") {
  const std::string wide = frames::compress(frames::text(40'000'000), 27);
  CHECK(unpack(wide, 50'000'000).problem ==
        "expected a zstd window of at most 8388608 bytes, found 67108864");
  CHECK(unpack(frames::compress(frames::text(9'000'000), 23), 9'000'000).problem.empty());
}

TEST_CASE("other bytes, other frames behind, and endless emptiness are refused") {
  const std::string coded = frames::compress("hello");
  CHECK(unpack("hello, this is no zstd", 100).problem ==
        "expected a zstd frame (it begins with 28 B5 2F FD), found 68 65 6C 6C");
  CHECK(unpack(coded + coded, 100, 3).problem ==
        "expected one zstd frame, found bytes after its end");
  CHECK(unpack(coded + coded, 100).problem == "expected one zstd frame, found bytes after its end");
  // Empty blocks without end.
  std::string endless("\x28\xb5\x2f\xfd\x00\x68", 6);
  endless.resize(5000, '\0');
  CHECK(unpack(endless, 4000).problem == "expected at most 4000 bytes of zstd, found more");
  std::string altered = frames::compress(frames::text(100'000));
  altered[altered.size() / 2] = static_cast<char>(altered[altered.size() / 2] ^ 0x55);
  CHECK_FALSE(unpack(altered, 100'000).plain == frames::text(100'000));
}

// Debian's libzstd unpacks what zstd 0.5 to 0.7 made, with windows that no parameter bounds.
TEST_CASE("a frame of another format is refused before the library sees it") {
  const std::string good = frames::compress("hello");
  const std::string rest("\x00\x88\x40\x00\x01\x5a\xc0\x00\x00", 9);
  for (const char* magic :
       {"\x1e\xb5\x2f\xfd", "\x22\xb5\x2f\xfd", "\x23\xb5\x2f\xfd", "\x24\xb5\x2f\xfd",
        "\x25\xb5\x2f\xfd", "\x26\xb5\x2f\xfd", "\x27\xb5\x2f\xfd", "\x50\x2a\x4d\x18",
        "\x5f\x2a\x4d\x18", "\x37\xa4\x30\xec"}) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
      CHECK(unpack(magic + rest, 1000, step)
                .problem.starts_with("expected a zstd frame (it begins with 28 B5 2F FD), found "));
      CHECK(unpack(good + magic + rest, 1000, step).problem ==
            "expected one zstd frame, found bytes after its end");
    }
  }
  // The magic of the old format where the new one has its head, behind a cut.
  CHECK_FALSE(unpack("\x28\xb5\x2f\xfd\x27\xb5\x2f\xfd" + rest, 1000, 4).problem.empty());
}

TEST_CASE("the window of a frame's head") {
  CHECK(zstd_window("") == 0);
  CHECK(zstd_window(frames::compress(frames::text(40'000'000), 27)) == 1u << 26);
  // A frame in one segment has its content as its window.
  CHECK(zstd_window(frames::compress(frames::text(300))) == 300);
}

TEST_CASE("an error of the sink is passed on") {
  ZstdStream stream(100);
  const auto full = stream.add(frames::compress("hello"), [](std::string_view) -> Result<void> {
    return fail(ErrorKind::exhausted, "no space");
  });
  REQUIRE_FALSE(full);
  CHECK(full.error().kind == ErrorKind::exhausted);
}
