// Pins what the event front leans on in httplib (process_request on a stream of ours, the hooks
// before and after routing, ranges): a release that changes it fails here, not in production.
#include "http/request_parser.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <httplib.h>

using namespace muster;

static_assert(std::string_view(CPPHTTPLIB_VERSION) >= "0.41.0");
static_assert(CPPHTTPLIB_HEADER_MAX_COUNT == 32 && CPPHTTPLIB_RANGE_MAX_COUNT == 1);
static_assert(std::is_abstract_v<httplib::Stream>);

namespace {

WireAnswer run(std::string_view head, bool keep_alive, const RequestParser::Answer& answer) {
  RequestParser parser(std::chrono::seconds(7));
  Request request;
  request.id = "0011223344556677";
  request.body = "the body";
  return parser.run(head, std::move(request), keep_alive, answer);
}

}  // namespace

TEST_CASE("headers, query and body reach the handler once, and its answer is written once") {
  int calls = 0;
  const WireAnswer wire = run(
      "POST /v1/x?a=1&b=%2Fc HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"e\"\r\nContent-Length: 8\r\n"
      "Expect: 100-continue\r\n\r\n",
      true, [&](const Request& request) {
        ++calls;
        CHECK(request.header("if-none-match") == "\"e\"");
        CHECK(request.header("absent").empty());
        CHECK(request.query.at("a") == "1");
        CHECK(request.query.at("b") == "/c");
        CHECK(request.body == "the body");
        Response response;
        response.body = "{}";
        response.headers.emplace_back("ETag", "\"f\"");
        return response;
      });
  CHECK(calls == 1);
  CHECK(wire.status == 200);
  CHECK(wire.keep_alive);
  CHECK(wire.bytes.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(wire.bytes.find("ETag: \"f\"\r\n") != std::string::npos);
  CHECK(wire.bytes.find("Keep-Alive: timeout=7") != std::string::npos);
  CHECK(wire.bytes.find("Content-Length: 2\r\n") != std::string::npos);
  CHECK(wire.bytes.ends_with("\r\n\r\n{}"));
}

TEST_CASE("a body in memory is sent whole, whatever range of it is asked for, and not for HEAD") {
  const auto answer = [](const Request&) {
    Response response;
    response.body = "0123456789";
    return response;
  };
  for (const char* range : {"", "Range: bytes=2-3\r\n"}) {
    const WireAnswer whole =
        run(std::string("GET / HTTP/1.1\r\nHost: h\r\n") + range + "\r\n", true, answer);
    CHECK(whole.status == 200);
    CHECK(whole.keep_alive);
    CHECK(whole.bytes.find("Content-Length: 10\r\n") != std::string::npos);
    CHECK(whole.bytes.ends_with("\r\n\r\n0123456789"));
  }
  const WireAnswer outside =
      run("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=10-\r\n\r\n", true, answer);
  CHECK(outside.status == 416);
  CHECK(outside.bytes.find("Content-Range: bytes */10\r\n") != std::string::npos);
  CHECK(outside.bytes.ends_with("\r\n\r\n"));
  const WireAnswer head = run("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true, answer);
  CHECK(head.bytes.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(head.bytes.ends_with("\r\n\r\n"));
}

TEST_CASE("a parameter given twice is refused") {
  const WireAnswer wire = run("GET /?a=1&a=2 HTTP/1.1\r\nHost: h\r\n\r\n", true,
                              [](const Request&) { return Response(); });
  CHECK(wire.status == 400);
  CHECK_FALSE(wire.keep_alive);
  CHECK(wire.bytes.ends_with(
      "{\"kind\":\"invalid\",\"message\":\"query: a parameter is given twice\",\"requestId\":\"0011223344556677\"}"));
}

TEST_CASE("a file's range is counted, its bytes are left to the event front") {
  const auto file = std::make_shared<FileDescriptor>(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto answer = [&](const Request&) {
    Response response;
    response.file = FileBody{file, 1000};
    return response;
  };
  const WireAnswer whole = run("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, answer);
  CHECK(whole.status == 200);
  CHECK(whole.file == file);
  CHECK(whole.offset == 0);
  CHECK(whole.length == 1000);
  CHECK(whole.keep_alive);
  CHECK(whole.bytes.ends_with("\r\n\r\n"));
  const WireAnswer last =
      run("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=-10\r\n\r\n", true, answer);
  CHECK(last.status == 206);
  CHECK(last.offset == 990);
  CHECK(last.length == 10);
  CHECK(last.bytes.find("Content-Range: bytes 990-999/1000\r\n") != std::string::npos);
  const WireAnswer none =
      run("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=1000-\r\n\r\n", true, answer);
  CHECK(none.status == 416);
  CHECK(none.file == nullptr);
  CHECK(none.bytes.find("Content-Range: bytes */1000\r\n") != std::string::npos);
  const WireAnswer two =
      run("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1,5-6\r\n\r\n", true, answer);
  CHECK(two.status == 200);
  CHECK(two.length == 1000);
  const WireAnswer head = run("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true, answer);
  CHECK(head.file == nullptr);
  CHECK(head.bytes.find("Content-Length: 1000\r\n") != std::string::npos);
}
