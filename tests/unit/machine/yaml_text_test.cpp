#include <doctest/doctest.h>

#include "machine/yaml_text.hpp"

using namespace muster;

TEST_CASE("blocks, lists of objects and quoting") {
  const nlohmann::ordered_json value = {{"kind", "X"},
                                        {"on", "yes"},
                                        {"empty", nlohmann::ordered_json::array()},
                                        {"list", {1, "2", "a: b"}},
                                        {"rows", {{{"a", true}, {"b", {"c"}}}, {{"a", nullptr}}}}};
  CHECK(yaml_text(value) == R"(kind: X
"on": "yes"
empty: []
list:
- 1
- "2"
- "a: b"
rows:
- a: true
  b:
  - c
- a: null
)");
}
