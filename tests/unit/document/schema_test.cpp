// schema.json and the parser must know the same fields: the schema is walked along a document that
// has every field, and every field is then taken away from, and a foreign one added to, each
// object.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "sample_document.hpp"

using namespace muster;
using nlohmann::json;

namespace {

json schema() {
  return json::parse(sample::golden("../metadata-server/document/schema.json"));
}

const json& resolve(const json& root, const json& node) {
  if (!node.contains("$ref")) return node;
  return root.at(json::json_pointer(node.at("$ref").get<std::string>().substr(1)));
}

std::set<std::string> keys(const json& object) {
  std::set<std::string> names;
  for (const auto& entry : object.items()) names.insert(entry.key());
  return names;
}

// Written where it says something; every other field always is.
bool is_optional(const json::json_pointer& where, const std::string& field) {
  return (where == json::json_pointer("/role") && field == "pool") ||
         (where == json::json_pointer("/config") && (field == "netboot" || field == "stateDisk")) ||
         (where == json::json_pointer("/config/stateDisk") && field != "create") ||
         (where == json::json_pointer("/config/kernel") && field == "arguments");
}

// Calls visit(pointer) for each object whose fields the schema fixes.
template <class Visit>
void walk(const json& root, const json& reference, const json& value,
          const json::json_pointer& where, Visit visit) {
  const json& node = resolve(root, reference);
  if (value.is_array()) {
    REQUIRE_MESSAGE(!value.empty(), where.to_string());
    for (std::size_t i = 0; i < value.size(); ++i) {
      walk(root, node.at("items"), value[i], where / i, visit);
    }
  } else if (value.is_object() && node.contains("properties")) {
    CHECK_MESSAGE(keys(node.at("properties")) == keys(value), where.to_string());
    CHECK_MESSAGE(node.at("additionalProperties") == false, where.to_string());
    std::set<std::string> required;
    for (const json& field : node.at("required")) required.insert(field.get<std::string>());
    for (const std::string& field : keys(value)) {
      if (is_optional(where, field)) required.insert(field);
    }
    CHECK_MESSAGE(required == keys(value), where.to_string());
    visit(where);
    for (const auto& entry : value.items()) {
      walk(root, node.at("properties").at(entry.key()), entry.value(), where / entry.key(), visit);
    }
  }
}

NodeDocument full() {
  NodeDocument document = sample::master();
  document.certificates.erase(document.certificates.begin());
  document.certificates[0].organizations = {"o"};
  document.role.pool = "masters";
  document.config.netboot = {"image-tower", "20261202.050000", sample::digest_a, 1};
  document.config.state_disk =
      StateDisk{"S1", "0x5000c500a1b2c3d4", "/dev/disk/by-path/a", "never"};
  document.config.kernel.arguments = {"hugepages=4"};
  return document;
}

}  // namespace

TEST_CASE("schema.json and the parser know the same fields") {
  const json root = schema();
  const json document = json::parse(to_canonical_json(full()));
  std::size_t objects = 0;
  walk(root, root, document, json::json_pointer(), [&](const json::json_pointer& where) {
    ++objects;
    json foreign = document;
    foreign[where]["foreign"] = 1;
    const auto refused = parse_node_document(foreign.dump());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find(where.to_string() + "/foreign: unknown field") !=
          std::string::npos);
    for (const std::string& field : keys(document[where])) {
      if (is_optional(where, field)) continue;
      json shorter = document;
      shorter[where].erase(field);
      const auto missing = parse_node_document(shorter.dump());
      REQUIRE_FALSE(missing);
      CHECK(missing.error().message.find(where.to_string() + "/" + field + ": expected") !=
            std::string::npos);
    }
  });
  CHECK(objects == 19);
}
