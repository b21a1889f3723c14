// Artifacts over HTTP: which representation whom is given.
#include <doctest/doctest.h>

#include "fakes/zstd_frames.hpp"
#include "http/artifact_encoder.hpp"
#include "http/content_encoding.hpp"
#include "http/request_parser.hpp"
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
    RequestParser parser(std::chrono::seconds(7));
    return parser.run(method + " " + path + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n",
                      std::move(request), true,
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
}

TEST_CASE_FIXTURE(ArtifactFixture,
                  "forms are made in the background, of what is there and of what comes") {
  const auto soon = [](const auto& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
  };
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
