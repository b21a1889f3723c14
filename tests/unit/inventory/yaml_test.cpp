#include "sample_inventory.hpp"

using namespace muster;
using sample::problems;

TEST_CASE("what is not YAML is told with its place, and nothing is said to be missing") {
  CHECK(problems({{"a.yaml", "kind: Node\nspec: [a, b\nx: y\n"},
                  {"b.yaml", sample::small_cluster("  profiles: [p]\n")}}) ==
        "a.yaml:3:2: expected YAML, found end of sequence flow not found\n");
  CHECK(problems({{"a.yaml", "kind: \xff\n"}}) ==
        "a.yaml:1:7: expected UTF-8 text, found byte 0xff\n");
  CHECK(problems({{"a.yaml", std::string("kind: a\n\0b", 10)}}) ==
        "a.yaml:2:1: expected UTF-8 text, found byte 0x00\n");
}

TEST_CASE("aliases, tags, duplicate keys and keys that are no names are refused") {
  CHECK(problems({{"a.yaml", R"(kind: Profile
kind: Profile
apiVersion: muster/v1
metadata: &m {name: p}
spec:
  kubelet: !set {maxPods: 5}
  swap: *m
---
? [a]
: b
)"}}) == "a.yaml:2:1: expected 'kind' once, found it again after line 1\n"
         "a.yaml:6:12: expected a value without a tag, found the tag '!set'\n"
         "a.yaml:7:9: expected the value itself, found an alias\n"
         "a.yaml:9:1: kind: expected 'Cluster', 'Profile', 'Node' or 'NodePool', found nothing\n"
         "a.yaml:9:3: expected a name as key, found something else\n");
}

TEST_CASE("depth, size and number of values are limited") {
  const std::string deep = "a: " + std::string(40, '[') + std::string(40, ']') + "\n";
  CHECK(problems({{"a.yaml", deep}}) ==
        "a.yaml:1:1: kind: expected 'Cluster', 'Profile', 'Node' or 'NodePool', found nothing\n"
        "a.yaml:1:35: expected at most 32 levels, found more\n");
  // Deeper than yaml-cpp itself goes: it gives up, and does not fall over.
  const std::string text = problems({{"a.yaml", std::string(100000, '[')}});
  CHECK(text ==
        "a.yaml:1:1: expected YAML, found bad file\n"
        "a.yaml:1:17: expected at most 32 levels, found more\n");
  CHECK(problems({{"a.yaml", std::string(maximum_inventory_file + 1, ' ')}}) ==
        "a.yaml: expected at most 1048576 bytes, found 1048577; split the file\n");
  InventoryFiles many;
  for (int index = 0; index < 65; ++index)
    many["f" + std::to_string(index)] = std::string(maximum_inventory_file, ' ');
  CHECK(problems(many) ==
        "inventory: expected at most 67108864 bytes in all files, found 68157440\n");
}

TEST_CASE("a flood of problems is cut") {
  std::string text = "apiVersion: muster/v1\nkind: Profile\nmetadata: {name: p}\nspec:\n";
  for (int index = 0; index < 1500; ++index) text += "  x" + std::to_string(index) + ": 1\n";
  const auto loaded = load({{"a.yaml", text}});
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().size() == 1001);
  CHECK(to_text(loaded.error().back()) ==
        "inventory: expected at most 1000 problems, found 500 more");
}

TEST_CASE("a folder is read below, without hidden files and links") {
  const auto files = read_folder(std::string(MUSTER_TESTS_DIR) + "/integration/inventories/racks");
  REQUIRE(files);
  CHECK(files->size() == 4);
  CHECK(files->contains("addons/priorities.yaml"));
  CHECK(read_folder("/nonexistent").error().message ==
        "inventory '/nonexistent': expected a folder with .yaml files, found none");
  CHECK(read_folder("/nonexistent").error().kind == ErrorKind::not_found);
}
