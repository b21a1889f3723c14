#include "inventory/value.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace muster {

namespace {

// YAML 1.2's core schema of a plain scalar: JSON's words and numbers, nothing of 1.1's
// yes/no/on/off.
nlohmann::json plain_scalar(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto read = std::from_chars(text.data(), end, integer);
      read.ec == std::errc() && read.ptr == end)
    return integer;
  const bool numeric = text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
                       text.find_first_of("0123456789") != std::string::npos;
  double number = 0;
  if (const auto read = std::from_chars(text.data(), end, number);
      numeric && read.ec == std::errc() && read.ptr == end)
    return number;
  return text;
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  if (kind != Kind::map) return nullptr;
  const auto found = fields.find(std::string(key));
  if (found == fields.end() || found->second.kind == Kind::null) return nullptr;
  return &found->second;
}

const Value* Value::find_path(std::string_view path) const {
  const Value* value = this;
  while (value != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    value = value->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return value;
}

nlohmann::json to_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::scalar:
      return value.quoted ? nlohmann::json(value.scalar) : plain_scalar(value.scalar);
    case Value::Kind::list: {
      nlohmann::json list = nlohmann::json::array();
      for (const Value& item : value.items) list.push_back(to_json(item));
      return list;
    }
    case Value::Kind::map: {
      nlohmann::json map = nlohmann::json::object();
      for (const auto& [key, field] : value.fields) map[key] = to_json(field);
      return map;
    }
  }
  return nullptr;
}

}  // namespace muster
