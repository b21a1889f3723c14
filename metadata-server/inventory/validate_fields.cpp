#include "inventory/validate_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "document/problem.hpp"
#include "inventory/suggest.hpp"

namespace muster {

namespace {

class FieldValidator {
 public:
  explicit FieldValidator(std::vector<InventoryProblem>& problems) : problems_(problems) {}

  void check(Value& value, const SchemaNode& schema, const std::string& path) {
    switch (schema.field == nullptr ? FieldType::object : schema.field->type) {
      case FieldType::object:
        return check_object(value, schema, path);
      case FieldType::list:
        return check_list(value, schema, path);
      case FieldType::map:
        return check_map(value, schema, path);
      case FieldType::text:
        return check_text(value, *schema.field, path);
      case FieldType::integer:
        return check_integer(value, *schema.field, path);
      case FieldType::boolean:
        return check_boolean(value, path);
      case FieldType::secret:
        return check_secret(value, path);
      case FieldType::text_or_secret:
        return check_text_or_secret(value, path);
      case FieldType::any:
        if (value.kind != Value::Kind::map) refuse(value, path, "a map");
        return;
    }
  }

 private:
  void report(const Place& place, const std::string& path, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(
        problem_at(place, path, std::move(expected), std::move(found), std::move(hint)));
  }
  void refuse(Value& value, const std::string& path, std::string expected, std::string hint = {}) {
    report(value.place, path, std::move(expected), found_text(value), std::move(hint));
    clear(value);
  }
  static void clear(Value& value) {
    const Place place = value.place;
    value = {};
    value.place = place;
  }

  static std::string below(const std::string& path, const std::string& name) {
    return path.empty() ? escaped(name) : path + "." + escaped(name);
  }

  void check_object(Value& value, const SchemaNode& schema, const std::string& path) {
    if (value.kind != Value::Kind::map) return refuse(value, path, "a map of fields");
    for (const auto& [name, child] : schema.children) check_required(value, *child, path, name);
    for (auto entry = value.fields.begin(); entry != value.fields.end();) {
      const std::string entry_path = below(path, entry->first);
      if (const SchemaNode* child = schema.child(entry->first)) {
        // A null of an optional field is as if the field was not there.
        if (entry->second.kind != Value::Kind::null) check(entry->second, *child, entry_path);
        ++entry;
      } else {
        report(entry->second.place, entry_path, "a known field", in_ticks(entry->first),
               did_you_mean(entry->first, schema.child_names()));
        entry = value.fields.erase(entry);
      }
    }
  }

  void check_required(const Value& object, const SchemaNode& child, const std::string& path,
                      const std::string& name) {
    if (!child.field->required || object.find(name) != nullptr) return;
    const auto written = object.fields.find(name);
    const Place& place = written == object.fields.end() ? object.place : written->second.place;
    report(place, below(path, name), expectation(child), "nothing");
  }

  static std::string expectation(const SchemaNode& node) {
    const Field& field = *node.field;
    if (field.format != nullptr) return std::string(field.format->expected);
    if (!field.values.empty() && field.type == FieldType::text) return one_of(field.values);
    switch (field.type) {
      case FieldType::object:
        return "a map of fields";
      case FieldType::text_or_secret:
        return "text or {secretRef: NAME}";
      default:
        return "a value";
    }
  }

  static std::string one_of(const std::vector<std::string_view>& values) {
    std::vector<std::string> names;
    for (const std::string_view value : values) names.push_back(fmt::format("'{}'", value));
    return names.size() == 1 ? names.front() : fmt::format("one of {}", fmt::join(names, ", "));
  }

  void check_list(Value& value, const SchemaNode& schema, const std::string& path) {
    if (value.kind != Value::Kind::list) return refuse(value, path, "a list");
    std::size_t index = 0;
    for (Value& item : value.items) {
      const std::string item_path = fmt::format("{}[{}]", path, index++);
      if (item.kind == Value::Kind::null)
        report(item.place, item_path, expectation(*schema.item), "nothing");
      else
        check(item, *schema.item, item_path);
    }
    std::erase_if(value.items, [](const Value& item) { return item.kind == Value::Kind::null; });
  }

  void check_map(Value& value, const SchemaNode& schema, const std::string& path) {
    if (value.kind != Value::Kind::map) return refuse(value, path, "a map");
    const Field& field = *schema.field;
    for (auto& [key, entry] : value.fields) {
      const std::string entry_path = fmt::format("{}[{}]", path, escaped(key));
      const bool known = field.values.empty() || std::find(field.values.begin(), field.values.end(),
                                                           key) != field.values.end();
      if (!known) {
        report(entry.place, path, one_of(field.values), in_ticks(key),
               did_you_mean(key, field.values));
        clear(entry);
      } else if (field.key_format != nullptr && !field.key_format->accepts(key)) {
        report(entry.place, path, std::string(field.key_format->expected), in_ticks(key));
        clear(entry);
      } else if (entry.kind == Value::Kind::null) {
        report(entry.place, entry_path, expectation(*schema.map_value), "nothing");
      } else {
        check(entry, *schema.map_value, entry_path);
      }
    }
    std::erase_if(value.fields,
                  [](const auto& entry) { return entry.second.kind == Value::Kind::null; });
  }

  void check_text(Value& value, const Field& field, const std::string& path) {
    if (!field.values.empty()) {
      const bool known =
          value.kind == Value::Kind::scalar &&
          std::find(field.values.begin(), field.values.end(), value.scalar) != field.values.end();
      if (!known)
        refuse(value, path, one_of(field.values), did_you_mean(value.scalar, field.values));
      return;
    }
    const std::string expected =
        field.format == nullptr ? "text" : std::string(field.format->expected);
    if (value.kind != Value::Kind::scalar ||
        (field.format != nullptr && !field.format->accepts(value.scalar)))
      refuse(value, path, expected);
  }

  void check_integer(Value& value, const Field& field, const std::string& path) {
    long number = 0;
    const char* end = value.scalar.data() + value.scalar.size();
    const auto read = std::from_chars(value.scalar.data(), end, number);
    const bool is_number =
        value.kind == Value::Kind::scalar && read.ec == std::errc() && read.ptr == end;
    if (!is_number || number < field.minimum || number > field.maximum)
      refuse(value, path,
             fmt::format("a whole number from {} to {}", field.minimum, field.maximum));
  }

  void check_boolean(Value& value, const std::string& path) {
    const bool known =
        value.kind == Value::Kind::scalar && (value.scalar == "true" || value.scalar == "false");
    if (!known) refuse(value, path, "true or false");
  }

  // A value that stands where a secret belongs may be one: it is never shown.
  void check_secret(Value& value, const std::string& path) {
    const Value* name = value.find("secretRef");
    const bool is_reference = name != nullptr && value.fields.size() == 1 &&
                              name->kind == Value::Kind::scalar && is_secret_name(name->scalar);
    if (is_reference) return;
    report(value.place, path, "{secretRef: NAME}",
           value.find("secretRef") != nullptr ? "another map" : "a value in clear",
           "set it with 'muster secret set NAME --cluster CLUSTER'");
    clear(value);
  }

  static bool is_secret_name(const std::string& name) {
    return schema_of("Node")->child("metadata")->child("name")->field->format->accepts(name);
  }

  void check_text_or_secret(Value& value, const std::string& path) {
    if (value.kind == Value::Kind::map) return check_secret(value, path);
    if (value.kind != Value::Kind::scalar) refuse(value, path, "text or {secretRef: NAME}");
  }

  std::vector<InventoryProblem>& problems_;
};

}  // namespace

std::string escaped(std::string_view text) {
  const std::string ticked = in_ticks(text);
  return ticked.substr(1, ticked.size() - 2);
}

std::string found_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return "nothing";
    case Value::Kind::scalar:
      return in_ticks(value.scalar);
    case Value::Kind::list:
      return "a list";
    case Value::Kind::map:
      return "a map";
  }
  return "nothing";
}

void validate_fields(Value& value, const SchemaNode& schema, const std::string& path,
                     std::vector<InventoryProblem>& problems) {
  FieldValidator(problems).check(value, schema, path);
}

}  // namespace muster
