#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "inventory/formats.hpp"
#include "inventory/schema_tree.hpp"

namespace muster {

namespace {

using Json = nlohmann::ordered_json;

Json schema_of_node(const SchemaNode& node);

Json text_schema(const Field& field) {
  // Plain YAML scalars such as true or 8080 are taken as the text that was written.
  Json schema = {{"type", Json::array({"string", "number", "boolean"})}};
  if (!field.values.empty()) return {{"enum", field.values}};
  if (field.format != nullptr) schema["pattern"] = field.format->pattern;
  return schema;
}

Json object_schema(const SchemaNode& node) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& [name, child] : node.children) {
    properties[name] = schema_of_node(*child);
    if (child->field->required) required.push_back(name);
  }
  Json schema = {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

Json map_schema(const SchemaNode& node) {
  Json schema = {{"type", "object"}, {"additionalProperties", schema_of_node(*node.map_value)}};
  if (!node.field->values.empty()) schema["propertyNames"] = {{"enum", node.field->values}};
  if (node.field->key_format != nullptr)
    schema["propertyNames"] = {{"pattern", node.field->key_format->pattern}};
  return schema;
}

Json secret_schema() {
  return {{"type", "object"},
          {"additionalProperties", false},
          {"properties",
           {{"secretRef", {{"type", "string"}, {"pattern", formats::object_name.pattern}}}}},
          {"required", Json::array({"secretRef"})}};
}

Json type_schema(const SchemaNode& node) {
  switch (node.field == nullptr ? FieldType::object : node.field->type) {
    case FieldType::object:
      return object_schema(node);
    case FieldType::list:
      return {{"type", "array"}, {"items", schema_of_node(*node.item)}};
    case FieldType::map:
      return map_schema(node);
    case FieldType::text:
      return text_schema(*node.field);
    case FieldType::integer:
      return {
          {"type", "integer"}, {"minimum", node.field->minimum}, {"maximum", node.field->maximum}};
    case FieldType::boolean:
      return {{"type", "boolean"}};
    case FieldType::secret:
      return secret_schema();
    case FieldType::text_or_secret:
      return {{"oneOf", Json::array({{{"type", "string"}}, secret_schema()})}};
    case FieldType::any:
      return {{"type", "object"}};
  }
  return Json::object();
}

Json schema_of_node(const SchemaNode& node) {
  Json schema = type_schema(node);
  if (node.field == nullptr) return schema;
  schema["description"] = node.field->description;
  if (node.field->default_text.empty()) return schema;
  const std::string text(node.field->default_text);
  schema["default"] = node.field->type == FieldType::text ? Json(text) : Json::parse(text);
  return schema;
}

std::string type_text(const Field& field) {
  const std::string expected = field.format == nullptr ? "" : std::string(field.format->expected);
  std::string values;
  for (const std::string_view value : field.values)
    values += fmt::format("{}`{}`", values.empty() ? "" : ", ", value);
  switch (field.type) {
    case FieldType::object:
      return "object";
    case FieldType::list:
      return "list";
    case FieldType::map:
      if (field.key_format != nullptr) return fmt::format("map by {}", field.key_format->expected);
      return values.empty() ? "map" : "map by " + values;
    case FieldType::text:
      if (!values.empty()) return values;
      return expected.empty() ? "text" : expected;
    case FieldType::integer:
      return fmt::format("{} to {}", field.minimum, field.maximum);
    case FieldType::boolean:
      return "`true` or `false`";
    case FieldType::secret:
      return "`{secretRef: NAME}`";
    case FieldType::text_or_secret:
      return "text or `{secretRef: NAME}`";
    case FieldType::any:
      return "free YAML";
  }
  return {};
}

}  // namespace

std::string json_schema() {
  Json alternatives = Json::array();
  for (const std::string_view kind : kinds())
    alternatives.push_back(schema_of_node(*schema_of(kind)));
  const Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                       {"title", "Muster inventory object"},
                       {"oneOf", alternatives}};
  return schema.dump(2) + "\n";
}

std::string field_tables() {
  std::string text;
  for (const std::string_view kind : {"Cluster", "Node", "NodePool", "Settings", "Image"}) {
    const bool is_settings = kind == "Settings";
    text += fmt::format(
        "### {}\n\n| field | what | default | meaning |\n|---|---|---|---|\n",
        is_settings ? "Profile.spec, Node.spec.overrides and NodePool.spec.overrides" : kind);
    for (const Field& field : field_table()) {
      if (!field.path.starts_with(fmt::format("{}.", kind))) continue;
      const std::string_view path = field.path.substr(kind.size() + 1);
      const std::string otherwise =
          field.required
              ? "required"
              : (field.default_text.empty() ? "" : fmt::format("`{}`", field.default_text));
      text += fmt::format("| `{}` | {} | {} | {} |\n", path, type_text(field), otherwise,
                          field.description);
    }
    text += "\n";
  }
  return text;
}

}  // namespace muster
