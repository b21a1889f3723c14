// The one field table: what may be written in an inventory. It drives the validator (validate.hpp),
// the JSON Schema for editors (muster.schema.json) and the README's tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muster {

// A rule that a scalar must follow. `pattern` says it to editors; `accepts` decides.
struct Format {
  std::string_view expected;  // "an IPv4 network such as 10.64.0.0/16"
  std::string_view pattern;   // ECMAScript, anchored
  bool (*accepts)(std::string_view text);
};

enum class FieldType {
  text,
  integer,
  boolean,
  object,  // the fields that the table lists below it
  list,    // of "path[]"
  map,     // any key -> "path.*"
  any,     // free YAML, passed on as JSON
  secret,  // {secretRef: NAME}
  text_or_secret,
};

struct Field {
  std::string_view path;  // "Cluster.spec.podCidr", "Settings.files[].path", "Node.spec.labels.*"
  FieldType type = FieldType::text;
  bool required = false;
  const Format* format = nullptr;             // text: of the value
  const Format* key_format = nullptr;         // map: of its keys
  std::vector<std::string_view> values = {};  // text: the only ones allowed
  long minimum = 0, maximum = 0;              // integer
  std::string_view default_text =
      {};  // what an absent field means; shown to people, applied by name
  std::string_view description = {};
};

// "Image" stands in a file of its own (image_definition.hpp), and "Settings" is not a kind: its
// fields stand below Profile.spec and the spec.overrides of Node and NodePool.
[[nodiscard]] const std::vector<Field>& field_table();

// JSON Schema (draft 2020-12) of one inventory document; ends in a newline.
[[nodiscard]] std::string json_schema();
// Markdown tables of all fields, for README.md.
[[nodiscard]] std::string field_tables();

}  // namespace muster
