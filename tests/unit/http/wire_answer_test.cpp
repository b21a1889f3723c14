#include "http/wire_answer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "http/byte_range.hpp"
#include "http/error_response.hpp"
#include "http/request_head.hpp"

using namespace muster;

namespace {

WireAnswer run(std::string_view text, bool keep_alive, const Answer& answer) {
  const auto head = parse_head(text, {});
  REQUIRE(head);
  Request request;
  request.method = head->method;
  request.headers = head->headers;
  request.query = parse_query(head->query).value();
  request.id = "0011223344556677";
  request.body = "the body";
  return muster::run(request, keep_alive, std::chrono::seconds(7), answer);
}

std::string range_of(std::string_view range, std::uint64_t size) {
  const auto found = select_range(range, size);
  return found ? fmt::format("{}+{}", found->offset, found->length) : "ignored";
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
  for (const char* range : {"", "Range: bytes=2-3\r\n", "Range: bytes=10-\r\n"}) {
    const WireAnswer whole =
        run(std::string("GET / HTTP/1.1\r\nHost: h\r\n") + range + "\r\n", true, answer);
    CHECK(whole.status == 200);
    CHECK(whole.keep_alive);
    CHECK(whole.bytes.find("Content-Length: 10\r\n") != std::string::npos);
    CHECK(whole.bytes.ends_with("\r\n\r\n0123456789"));
  }
  const WireAnswer head = run("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true, answer);
  CHECK(head.bytes.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(head.bytes.ends_with("\r\n\r\n"));
}

TEST_CASE("an empty body has a type and a length") {
  const WireAnswer wire = run("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, [](const Request&) {
    Response response;
    response.content_type = "text/plain";
    return response;
  });
  CHECK(wire.bytes.find("Content-Type: text/plain\r\nContent-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("a body that many are sent is not copied for each") {
  const auto shared = std::make_shared<const std::string>("0123456789");
  const auto answer = [&](const Request&) {
    Response response;
    response.shared_body = shared;
    return response;
  };
  const WireAnswer whole = run("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, answer);
  CHECK(whole.shared == shared);
  CHECK(whole.bytes.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(whole.bytes.ends_with("\r\n\r\n"));
  const WireAnswer head = run("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true, answer);
  CHECK(head.shared == nullptr);
  CHECK(head.bytes.find("Content-Length: 10\r\n") != std::string::npos);
}

TEST_CASE("what a handler throws is a 500 that tells nothing and ends the connection") {
  const WireAnswer wire =
      run("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true,
          [](const Request&) -> Response { throw std::runtime_error("a secret"); });
  CHECK(wire.status == 500);
  CHECK_FALSE(wire.keep_alive);
  CHECK(wire.bytes.starts_with("HTTP/1.1 500 Internal Server Error\r\nDate: "));
  CHECK(wire.bytes.find("Connection: close\r\n") != std::string::npos);
  CHECK(wire.bytes.ends_with(
      "{\"kind\":\"internal\",\"message\":\"the server failed; its log says why under this request's id\",\"requestId\":\"0011223344556677\"}"));
}

TEST_CASE("an answer without a body has no length either") {
  for (const int status : {204, 304}) {
    const WireAnswer wire = run("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true, [&](const Request&) {
      Response response;
      response.status = status;
      return response;
    });
    CHECK(wire.keep_alive);
    CHECK(wire.bytes.find("Content-") == std::string::npos);
  }
}

TEST_CASE("a range is one of bytes that lie in the file, or ignored") {
  CHECK(range_of("bytes=0-9", 1000) == "0+10");
  CHECK(range_of("bytes=5-5", 1000) == "5+1");
  CHECK(range_of("bytes=990-", 1000) == "990+10");
  CHECK(range_of("bytes=990-5000", 1000) == "990+10");
  CHECK(range_of("bytes=-10", 1000) == "990+10");
  CHECK(range_of("bytes=-5000", 1000) == "0+1000");
  CHECK(range_of("bytes=1000-", 1000) == "0+0");
  CHECK(range_of("bytes=-0", 1000) == "1000+0");
  for (const char* odd : {"", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "items=0-1",
                          "garbage", "bytes=99999999999999999999-", "bytes= 0-1", "bytes=0--1",
                          "bytes=0-99999999999999999999", "bytes=-1x", "bytes=+1-2"}) {
    CAPTURE(odd);
    CHECK(range_of(odd, 1000) == "ignored");
  }
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
  const WireAnswer other =
      run("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=-10\r\nIf-Range: \"x\"\r\n\r\n", true, answer);
  CHECK(other.status == 200);
  CHECK(other.length == 1000);
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

TEST_CASE("a refusal of HEAD has the length of its body, and no body") {
  const Response refusal = error_response(404, "not_found", "no", "r1");
  CHECK(write_refusal(refusal, "GET").bytes.ends_with(refusal.body));
  const WireAnswer head = write_refusal(refusal, "HEAD");
  CHECK(head.bytes.ends_with("\r\n\r\n"));
  CHECK(head.bytes.find(fmt::format("Content-Length: {}\r\n", refusal.body.size())) !=
        std::string::npos);
}
