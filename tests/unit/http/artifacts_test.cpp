// Artifacts over HTTP: which representation whom is given.
#include <doctest/doctest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>

#include "fakes/soon.hpp"
#include "fakes/zstd_frames.hpp"
#include "http/artifact_encoder.hpp"
#include "http/content_encoding.hpp"
#include "http/wire_answer.hpp"
#include "sample_rooms.hpp"

using namespace muster;

namespace {

struct ArtifactFixture {
  sample::House house;
  std::string bytes = frames::text(300'000);
  std::string digest = sha256_digest(bytes);

  ArtifactFixture() {
    auto import = house.artifacts.begin_import(digest, bytes.size()).value();
    REQUIRE(import.write(bytes));
    REQUIRE(import.finish());
  }
  void encode() {
    const std::atomic<bool> stop = false;
    REQUIRE(house.artifacts.encode(digest, stop)->size > 0);
  }
  // The head of the answer, and how much of a file follows it.
  WireAnswer get(const std::string& headers, const std::string& method = "GET") {
    const std::string path = "/v1/artifacts/" + digest;
    RequestHead head;
    head.method = method;
    head.path = path;
    Request request;
    request.peer.listener = ListenerKind::boot;
    request.path = path;
    request.method = method;
    auto admission = house.router.admit(head, request.peer, "r1");
    REQUIRE_FALSE(admission.refusal);
    request.parameters = std::move(admission.parameters);
    request.route = admission.route;
    request.headers =
        parse_head(method + " " + path + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n", {})
            ->headers;
    return run(request, true, std::chrono::seconds(7),
               [&](const Request& asked) { return house.router.answer(asked); });
  }
};

bool has_header(const WireAnswer& answer, const std::string& header) {
  return answer.bytes.find(header + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("a coding is accepted when it is named, and not with a weight of nothing") {
  CHECK(accepts_coding("zstd", "zstd"));
  CHECK(accepts_coding("gzip, ZSTD ;q=0.5", "zstd"));
  CHECK(accepts_coding("zstd;q=1", "zstd"));
  CHECK_FALSE(accepts_coding("", "zstd"));
  CHECK_FALSE(accepts_coding("gzip, br", "zstd"));
  CHECK_FALSE(accepts_coding("zstd;q=0, gzip", "zstd"));
  CHECK_FALSE(accepts_coding("zstd; q=0.000", "zstd"));
  CHECK_FALSE(accepts_coding("*", "zstd"));
  CHECK_FALSE(accepts_coding("zstdx,,", "zstd"));
  CHECK(accepts_coding(",gzip,,\tZstd ; Q=0.001 ,", "zstd"));
  CHECK(accepts_coding("zstd;q=1.000", "zstd"));
  // What does not follow the grammar says nothing, and one no is a no.
  for (const char* odd : {"zst d", "zstd;q=", "zstd;q=-1", "zstd;q=0;foo", "zstd;foo=1;q=0",
                          "zstd;q=1;q=0", "zstd;q=1.5", "zstd;q=0.1234", "zstd;q=2", "zstd;",
                          "zstd;q = 1", "zstd;q=0,zstd", "zstd, zstd;q=0", "\"zstd\""}) {
    CAPTURE(odd);
    CHECK_FALSE(accepts_coding(odd, "zstd"));
  }
}

TEST_CASE("If-None-Match is a list, of weak ones too, or whatever there is") {
  const std::string etag = "\"sha256:ab\"";
  for (const char* naming : {"\"sha256:ab\"", "*", " * ", "W/\"sha256:ab\"", "\"x\", \"sha256:ab\"",
                             ",\"a,b\" ,W/\"x\",, W/\"sha256:ab\" ,\"y\""}) {
    CAPTURE(naming);
    CHECK(none_match_names(naming, etag));
  }
  for (const char* other : {"", "sha256:ab", "\"sha256:a\"", "\"*\"", "*, \"x\"", "w/\"sha256:ab\"",
                            "\"x\"; \"sha256:ab\"", "\"x\" \"sha256:ab", "\"sha256:ab"}) {
    CAPTURE(other);
    CHECK_FALSE(none_match_names(other, etag));
  }
}

TEST_CASE_FIXTURE(ArtifactFixture, "whoever takes zstd is given it once it is there") {
  auto answer = get("Accept-Encoding: zstd\r\n");
  CHECK(has_header(answer, "ETag: \"" + digest + "\""));
  CHECK(has_header(answer, "Vary: Accept-Encoding"));
  CHECK(answer.length == bytes.size());
  encode();
  answer = get("Accept-Encoding: zstd\r\n");
  CHECK(answer.status == 200);
  CHECK(has_header(answer, "Content-Encoding: zstd"));
  CHECK(has_header(answer, "Vary: Accept-Encoding"));
  CHECK(has_header(answer, "ETag: \"" + digest + ";zstd\""));
  CHECK(has_header(answer, "Accept-Ranges: none"));
  CHECK(answer.length < bytes.size() * 6 / 10);
  CHECK(has_header(answer, "Content-Length: " + std::to_string(answer.length)));
  const auto head = get("Accept-Encoding: zstd\r\n", "HEAD");
  CHECK(has_header(head, "Content-Length: " + std::to_string(answer.length)));
  CHECK(get("Accept-Encoding: zstd\r\nIf-None-Match: \"" + digest + ";zstd\"\r\n").status == 304);
  CHECK(get("Accept-Encoding: zstd\r\nIf-None-Match: \"" + digest + "\"\r\n").status == 200);
  CHECK(get("If-None-Match: \"x\", W/\"" + digest + "\"\r\n").status == 304);
  CHECK(get("If-None-Match: \"x\"\r\nIf-None-Match: \"" + digest + "\"\r\n").status == 304);
  CHECK(get("If-None-Match: *\r\n").status == 304);
  CHECK(has_header(get("Accept-Encoding: gzip\r\nAccept-Encoding: zstd\r\n"),
                   "Content-Encoding: zstd"));
}

TEST_CASE_FIXTURE(ArtifactFixture, "everybody else is given plain bytes") {
  encode();
  for (const char* header : {"", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip\r\n"}) {
    const auto answer = get(header);
    CHECK(answer.length == bytes.size());
    CHECK(has_header(answer, "ETag: \"" + digest + "\""));
    CHECK(has_header(answer, "Accept-Ranges: bytes"));
    CHECK_FALSE(has_header(answer, "Content-Encoding: zstd"));
  }
}

TEST_CASE_FIXTURE(ArtifactFixture,
                  "a range is of the plain bytes, and only of those that the client has") {
  encode();
  const std::string range = "Accept-Encoding: zstd\r\nRange: bytes=100-\r\n";
  const auto answer = get(range);
  CHECK(answer.status == 206);
  CHECK(answer.offset == 100);
  CHECK(answer.length == bytes.size() - 100);
  CHECK(has_header(answer, "ETag: \"" + digest + "\""));
  CHECK(get(range + "If-Range: \"" + digest + "\"\r\n").status == 206);
  const auto whole = get(range + "If-Range: \"" + digest + ";zstd\"\r\n");
  CHECK(whole.status == 200);
  CHECK(whole.offset == 0);
  CHECK(whole.length == bytes.size());
  const auto beyond = get("Range: bytes=300000-\r\n");
  CHECK(beyond.status == 416);
  CHECK(has_header(beyond, "Content-Range: bytes */300000"));
  CHECK(get("Range: bytes=-0\r\n").status == 416);
  const auto last = get("Range: bytes=-400000\r\n");
  CHECK(last.status == 206);
  CHECK(last.length == bytes.size());
  // Not understood: as if it were not there.
  for (const char* odd : {"items=0-1", "bytes=5-2", "bytes=0-1,4-5", "garbage"}) {
    const auto ignored = get("Accept-Encoding: zstd\r\nrange: " + std::string(odd) + "\r\n");
    CHECK(ignored.status == 200);
    CHECK(has_header(ignored, "Content-Encoding: zstd"));
  }
}

TEST_CASE_FIXTURE(ArtifactFixture,
                  "forms are made in the background, of what is there and of what comes") {
  ArtifactEncoder encoder(house.artifacts);
  CHECK(soon([&] { return encoder.pending() == 0; }));
  CHECK(house.artifacts.open_encoded(digest).has_value());
  const std::string more = frames::text(400'000);
  auto import = house.artifacts.begin_import(sha256_digest(more), more.size()).value();
  REQUIRE(import.write(more));
  REQUIRE(import.finish());
  encoder.add(sha256_digest(more));
  encoder.add(sha256_digest("nothing"));
  CHECK(soon([&] { return encoder.pending() == 0; }));
  CHECK(house.artifacts.open_encoded(sha256_digest(more)).has_value());
}

TEST_CASE_FIXTURE(ArtifactFixture, "an encoder that ends gives up what it is at") {
  const std::string large = frames::text(60'000'000);
  auto import = house.artifacts.begin_import(sha256_digest(large), large.size()).value();
  REQUIRE(import.write(large));
  REQUIRE(import.finish());
  const auto began = std::chrono::steady_clock::now();
  { const ArtifactEncoder encoder(house.artifacts); }
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(2));
}

TEST_CASE_FIXTURE(ArtifactFixture,
                  "what lost its form, whoever removed it, has one again in time") {
  ArtifactEncoder encoder(house.artifacts, std::chrono::milliseconds(20));
  CHECK(soon([&] { return house.artifacts.open_encoded(digest).has_value(); }));
  std::filesystem::remove_all(house.artifacts.folder() + "/zstd");
  CHECK(soon([&] { return house.artifacts.open_encoded(digest).has_value(); }));
}

TEST_CASE_FIXTURE(ArtifactFixture, "a form that cannot be made is told once, with what it means") {
  const auto log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(10);
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("", log));
  std::filesystem::remove_all(house.artifacts.folder() + "/zstd");
  std::ofstream(house.artifacts.folder() + "/zstd") << "x";
  {
    ArtifactEncoder encoder(house.artifacts, std::chrono::milliseconds(20));
    CHECK(soon([&] { return encoder.pending() == 0; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  spdlog::set_default_logger(before);
  std::size_t told = 0;
  for (const auto& line : log->last_formatted()) {
    if (line.find(
            "artifact " + digest + ": its zstd form: '" + house.artifacts.folder() +
            "/zstd': expected a folder, found something else; it is served plain until the server starts again") !=
        std::string::npos)
      ++told;
  }
  CHECK(told == 1);
}
