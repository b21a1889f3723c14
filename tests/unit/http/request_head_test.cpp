#include "http/request_head.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace muster;
using namespace std::string_literals;

namespace {

std::string refusal(const std::string& head) {
  const auto parsed = parse_head(head, {});
  return parsed ? "accepted" : std::to_string(parsed.error().status) + " " + parsed.error().message;
}

}  // namespace

TEST_CASE("a head gives what the event front needs") {
  const auto head = parse_head(
      "PUT /v1/a:b?x=1&y=%20 HTTP/1.1\r\nhOST: h\r\nContent-Length:  12 \r\nExpect: 100-Continue\r\n\r\n",
      {});
  REQUIRE(head.has_value());
  CHECK(head->method == "PUT");
  CHECK(head->path == "/v1/a:b");
  CHECK(head->query == "x=1&y=%20");
  CHECK(head->content_length == 12);
  CHECK(head->expects_continue);
  CHECK(head->keep_alive);
}

TEST_CASE("connections are kept by HTTP/1.1 alone, unless it says close") {
  CHECK_FALSE(parse_head("GET / HTTP/1.0\r\n\r\n", {})->keep_alive);
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", {})->keep_alive);
  const auto is_kept = [](const std::string& lines) {
    return parse_head("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n", {})->keep_alive;
  };
  CHECK_FALSE(is_kept("Connection: keep-alive, close\r\n"));
  CHECK_FALSE(is_kept("Connection: CLOSE ,keep-alive\r\n"));
  CHECK_FALSE(is_kept("Connection: close\r\nConnection: keep-alive\r\n"));
  CHECK(is_kept("Connection: keep-alive, ,\r\n"));
  CHECK(is_kept("Connection: closed\r\n"));
}

TEST_CASE("what two parsers could read differently is refused") {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string shape =
      "400 header: expected 'Name: value' without folding or space before the colon";
  CHECK(refusal(start + "A : b\r\n\r\n") == shape);
  CHECK(refusal(start + "A: b\r\n c\r\n\r\n") == shape);
  CHECK(refusal(start + "A\r\n\r\n") == shape);
  CHECK(refusal(start + ": b\r\n\r\n") == shape);
  CHECK(refusal(start + "A: b\nC: d\r\n\r\n") == "400 header: expected a value of printable ASCII");
  CHECK(refusal(start + "A: \0\r\n\r\n"s) == "400 header: expected a value of printable ASCII");
  CHECK(refusal(start + "A: \xc3\xa9\r\n\r\n") ==
        "400 header: expected a value of printable ASCII");
  CHECK(refusal(start + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n") ==
        "400 header Content-Length: expected one, found two");
  for (const char* length : {"", "-1", "+1", "0x10", "1,1", "99999999999999999999"}) {
    CHECK(refusal(start + "Content-Length: " + length + "\r\n\r\n") ==
          "400 header Content-Length: expected a number of bytes");
  }
  CHECK(refusal(start + "Transfer-Encoding: identity\r\n\r\n") ==
        "411 header Transfer-Encoding: not taken here; send the body with Content-Length");
  CHECK(refusal("GET / HTTP/1.1\r\n\r\n") == "400 header Host: expected one, found none");
}

TEST_CASE("request lines are a method, a path and a version") {
  const std::string host = "\r\nHost: h\r\n\r\n";
  CHECK(refusal("GET /" + host) == "400 request line: expected METHOD TARGET HTTP/1.1");
  CHECK(refusal("GET / HTTP/2.0" + host) == "505 request line: expected HTTP/1.1 or HTTP/1.0");
  CHECK(refusal("G(T / HTTP/1.1" + host) == "400 request line: the method is no token");
  const std::string path =
      "400 request line: expected a path of printable ASCII that begins with '/', a blank written as %20";
  CHECK(refusal("GET http://h/ HTTP/1.1" + host) == path);
  CHECK(refusal("GET /a b HTTP/1.1" + host) == path);
  CHECK(refusal("GET /#a HTTP/1.1" + host) == path);
  CHECK(refusal("GET /\x01 HTTP/1.1" + host) == path);
  CHECK(refusal("GET  HTTP/1.1" + host) == path);
}

TEST_CASE("a head ends at its blank line or is refused for its size") {
  CHECK(find_head("GET / HTTP/1.1\r\n\r\nrest", {}).value() == 18);
  CHECK(find_head("GET / HTTP/1.1\r\n", {}).value() == 0);
  CHECK(find_head(std::string(16u << 10, 'a'), {}).error().status == 431);
}

TEST_CASE("headers of one name are one list, by their names in lower case") {
  const auto head =
      parse_head("GET / HTTP/1.1\r\nHost: h\r\nAccept:  a \r\nACCEPT: b\r\nX-Empty:\r\n\r\n", {});
  REQUIRE(head);
  CHECK(head->headers ==
        std::map<std::string, std::string>{{"accept", "a, b"}, {"host", "h"}, {"x-empty", ""}});
}

TEST_CASE("a query is decoded once, and refused where it says two things") {
  CHECK(parse_query("a=1&b=%2Fc%252F+d&e&&=f").value() ==
        std::map<std::string, std::string>{{"", "f"}, {"a", "1"}, {"b", "/c%2F d"}, {"e", ""}});
  CHECK(parse_query("")->empty());
  CHECK(parse_query("a=1&%61=2").error().message == "query: a parameter is given twice");
  for (const char* odd : {"a=%", "a=%4", "a=%4g", "%zz=1", "a=%-1"}) {
    CAPTURE(odd);
    CHECK(parse_query(odd).error().message ==
          "query: expected two hexadecimal digits after each '%', found others");
  }
}

TEST_CASE("a blank that nobody encoded is refused with its cure") {
  const auto head =
      parse_head("GET /nocloud/serial/VMware-56 4d/meta-data HTTP/1.1\r\nHost: h\r\n\r\n", {});
  REQUIRE_FALSE(head);
  CHECK(
      head.error().message ==
      "request line: expected a path of printable ASCII that begins with '/', a blank written as %20");
}
