#include "inventory/empty_fields.hpp"

#include <fmt/format.h>

#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

const char* expected_kind(FieldType type) {
  switch (type) {
    case FieldType::object:
    case FieldType::any:
    case FieldType::map:
      return "a map";
    case FieldType::list:
      return "a list";
    default:
      return "a value";
  }
}

}  // namespace

void check_empty_fields(const Value& value, const SchemaNode& schema, const std::string& path,
                        std::vector<InventoryProblem>& problems) {
  std::size_t index = 0;
  for (const Value& item : value.items) {
    if (schema.item != nullptr)
      check_empty_fields(item, *schema.item, fmt::format("{}[{}]", path, index++), problems);
  }
  for (const auto& [name, field] : value.fields) {
    const SchemaNode* child = schema.map_value != nullptr ? schema.map_value : schema.child(name);
    if (child == nullptr || child->field == nullptr) continue;
    const std::string below = path.empty() ? escaped(name) : path + "." + escaped(name);
    // An explicit null keeps its text.
    const bool is_empty = field.kind == Value::Kind::null && field.scalar.empty();
    if (!is_empty)
      check_empty_fields(field, *child, below, problems);
    else if (schema.map_value == nullptr && !child->field->required)
      problems.push_back(problem_at(field.place, below, expected_kind(child->field->type),
                                    "nothing", "write it, or leave the key out"));
  }
}

}  // namespace muster
