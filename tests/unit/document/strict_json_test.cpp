#include "document/strict_json.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {
std::string refusal(std::string_view text, JsonLimits limits = {}) {
  const auto parsed = parse_strict_json("enrol request", text, limits);
  return parsed ? "accepted" : parsed.error().message;
}
}  // namespace

TEST_CASE("sound JSON is read") {
  CHECK(parse_strict_json("x", R"({"a":[1,{"b":null}]})").value()["a"][1]["b"].is_null());
  CHECK(canonical_text(parse_strict_json("x", R"({ "b" : "ü", "a" : 1.5 })").value()) ==
        R"({"a":1.5,"b":"ü"})");
}

TEST_CASE("every duplicate key is refused with its pointer") {
  CHECK(refusal(R"({"a":1,"b":[{"c":1,"c":2}],"a":3})") ==
        "enrol request: refused, 2 problems:\n"
        "/b/0/c: expected one such key, found two\n"
        "/a: expected one such key, found two");
  CHECK(refusal(R"({"a":{"x":1},"b":{"x":1}})") == "accepted");
  CHECK(refusal(R"([{"x":1},{"x":1}])") == "accepted");
}

TEST_CASE("depth is limited before anything is built") {
  CHECK(refusal(R"({"a":[[1]]})", {1024, 3}) == "accepted");
  CHECK(refusal(R"({"a":[0,[[1]]]})", {1024, 3}) ==
        "enrol request: refused, 1 problem:\n/a/1/0: expected at most 3 nested levels, found more");
  CHECK(refusal(std::string(1000000, '[')).rfind("enrol request: refused, 1 problem:\n/0/0/0", 0) ==
        0);
}

TEST_CASE("size is limited") {
  CHECK(refusal("[1,2,3]", {6, 32}) == "enrol request: expected at most 6 bytes, found 7");
  CHECK(parse_strict_json("x", "[1,2,3]", {6, 32}).error().kind == ErrorKind::exhausted);
}

TEST_CASE("what is not JSON is refused at its byte") {
  CHECK(
      refusal("{\"a\":}") ==
      "enrol request: refused, 1 problem:\n/: expected JSON, found parse error at line 1, column 6: syntax error while parsing value - unexpected '}'; expected '[', '{', or a literal (byte 6)");
  for (const char* text : {"", "{", "[1,]", "// x\n1", "{} {}", "\xff", "\"\xc3\"", "NaN", "1e999",
                           "{'a':1}", "\xef\xbb\xbf", "[1", "nul"}) {
    CAPTURE(text);
    CHECK(refusal(text) != "accepted");
  }
}

TEST_CASE("bytes that are not UTF-8 never throw when written") {
  CHECK(canonical_text({{"a", "x\xff"}}) == "{\"a\":\"x\xef\xbf\xbd\"}");
}
