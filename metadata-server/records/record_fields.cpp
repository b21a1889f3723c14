#include "records/record_fields.hpp"

#include <algorithm>

namespace muster {
namespace {

template <class Values, class Write>
std::string list_text(const Values& values, const Write& write) {
  std::string text = "[";
  for (const auto& value : values) {
    if (text.size() > 1) text += ',';
    text += write(value);
  }
  return text += ']';
}

template <class Values, class Write>
std::string map_text(const Values& values, const Write& write) {
  std::string text = "{";
  for (const auto& [key, value] : values) {
    if (text.size() > 1) text += ',';
    text += json_string(key);
    text += ':';
    text += write(value);
  }
  return text += '}';
}

bool is_left_out(Presence presence, bool is_empty) {
  return presence == Presence::if_set && is_empty;
}

std::string number_text(std::uint64_t number) {
  return std::to_string(number);
}

std::string signed_text(std::int64_t number) {
  return std::to_string(number);
}

}  // namespace

void RecordWriter::text(std::string_view field, std::string_view value, Presence presence) {
  if (!is_left_out(presence, value.empty())) add(field, json_string(value));
}

void RecordWriter::flag(std::string_view field, bool value, Presence presence) {
  if (!is_left_out(presence, !value)) add(field, value ? "true" : "false");
}

void RecordWriter::texts(std::string_view field, const std::vector<std::string>& values,
                         Presence presence) {
  if (!is_left_out(presence, values.empty())) add(field, list_text(values, json_string));
}

void RecordWriter::numbers(std::string_view field, const std::vector<std::uint64_t>& values,
                           Presence presence) {
  if (!is_left_out(presence, values.empty())) add(field, list_text(values, number_text));
}

void RecordWriter::text_map(std::string_view field,
                            const std::map<std::string, std::string>& values, Presence presence) {
  if (!is_left_out(presence, values.empty())) add(field, map_text(values, json_string));
}

void RecordWriter::number_map(std::string_view field,
                              const std::map<std::string, std::int64_t>& values,
                              Presence presence) {
  if (!is_left_out(presence, values.empty())) add(field, map_text(values, signed_text));
}

void RecordWriter::foreign_list(std::string_view field, const std::vector<std::string>& list) {
  add(field, list_text(list, [](const std::string& json) -> const std::string& { return json; }));
}

void RecordWriter::add(std::string_view field, std::string json) {
  fields_.emplace_back(field, std::move(json));
}

std::string RecordWriter::whole() {
  std::sort(fields_.begin(), fields_.end());
  std::size_t size = 2;
  for (const auto& [field, json] : fields_) size += field.size() + json.size() + 4;
  std::string text;
  text.reserve(size);
  text += '{';
  for (const auto& [field, json] : fields_) {
    if (text.size() > 1) text += ',';
    text.append(1, '"').append(field).append("\":").append(json);
  }
  return text += '}';
}

void RecordReader::number_map(std::string_view field, std::map<std::string, std::int64_t>& target,
                              Presence presence) {
  object_.object(
      field,
      [&](JsonObject& map) {
        for (const std::string& key : map.fields()) map.number(key, target[key]);
      },
      need(presence));
}

void RecordReader::seconds(std::string_view field, std::chrono::seconds& target) {
  std::int64_t count = target.count();
  object_.number(field, count);
  target = std::chrono::seconds(count);
}

void RecordReader::foreign(std::string_view field, std::string& json) {
  if (const nlohmann::json* found = object_.raw(field)) json = canonical_text(*found);
}

void RecordReader::foreign_list(std::string_view field, std::vector<std::string>& list) {
  const nlohmann::json* found = object_.raw(field);
  if (found == nullptr) return;
  if (!found->is_array()) return object_.problem(field, "expected a list");
  for (const auto& item : *found) list.push_back(canonical_text(item));
}

void RecordReader::formerly(std::string_view field) {
  static_cast<void>(object_.raw(field, Need::optional));
}

}  // namespace muster
