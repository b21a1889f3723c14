#include "machine/yaml_text.hpp"

#include <algorithm>
#include <set>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

// Words that YAML 1.1 reads as booleans or null.
const std::set<std::string, std::less<>> reserved = {"y",   "n",    "yes",   "no",  "on",
                                                     "off", "true", "false", "null"};

bool is_plain(const std::string& text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !(is_letter(text.front()) || text.front() == '/')) return false;
  if (reserved.count(lower_case(text)) > 0) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' || c == '_';
  });
}

std::string scalar(const Json& value) {
  if (value.is_string() && is_plain(value.get_ref<const std::string&>())) {
    return value.get<std::string>();
  }
  // A JSON scalar, an empty list and an empty object are YAML as they are.
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_block(const Json& value) {
  return value.is_structured() && !value.empty();
}

void write(const Json& value, std::size_t indent, std::string& text);

void write_entry(const Json& value, std::size_t indent, std::string& text) {
  if (is_block(value)) {
    text += '\n';
    write(value, value.is_array() ? indent : indent + 2, text);
  } else {
    text += ' ' + scalar(value) + '\n';
  }
}

void write(const Json& value, std::size_t indent, std::string& text) {
  const std::string margin(indent, ' ');
  if (value.is_object()) {
    for (const auto& [key, entry] : value.items()) {
      text += margin + scalar(Json(key)) + ':';
      write_entry(entry, indent, text);
    }
    return;
  }
  for (const Json& entry : value) {
    if (!is_block(entry)) {
      text += margin + "- " + scalar(entry) + '\n';
      continue;
    }
    std::string inner;
    write(entry, indent + 2, inner);
    inner.replace(indent, 1, "-");
    text += inner;
  }
}

}  // namespace

std::string yaml_text(const Json& value) {
  std::string text;
  write(value, 0, text);
  return text;
}

}  // namespace muster
