#include "cli/answer.hpp"

#include <doctest/doctest.h>

using namespace muster;

TEST_CASE("a missing field is an empty cell") {
  const auto row = nlohmann::json::parse(R"({"a":{"b":3,"c":[1,"x"],"d":true,"e":null}})");
  CHECK(cell(row, "/a/b") == "3");
  CHECK(cell(row, "/a/c") == "1, x");
  CHECK(cell(row, "/a/d") == "yes");
  CHECK(cell(row, "/a/e").empty());
  CHECK(cell(row, "/z/y").empty());
  CHECK(list_at(row, "/a/c").size() == 2);
  CHECK(list_at(row, "/a/b").empty());
  CHECK(time_text(row, "/z").empty());
}

TEST_CASE("names are safe inside a path") {
  CHECK(escape("a/b c%") == "a%2Fb%20c%25");
}
