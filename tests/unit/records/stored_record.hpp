// What holds of each record in the store: its bytes stay what earlier programs wrote, and a field
// that is missing, of a wrong type or unknown is damage, told with its place.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct StoredRecord {
  std::string what;                                                // as errors name it
  std::string golden;                                              // its bytes, with every field
  std::function<Result<std::string>(const std::string&)> rewrite;  // read, and written again
  std::vector<std::string> optional = {};  // JSON pointers of fields that may be missing
  std::vector<std::string> maps = {};      // whose keys are data
  std::vector<std::string> foreign = {};   // what others read
};

namespace stored_record {

inline bool has(const std::vector<std::string>& list, const std::string& pointer) {
  return std::find(list.begin(), list.end(), pointer) != list.end();
}

inline void check_damage(const StoredRecord& record, const nlohmann::json& damaged,
                         const std::string& line) {
  const auto refused = record.rewrite(damaged.dump());
  REQUIRE_MESSAGE(!refused, record.what << ": expected '" << line << "', found no error");
  const std::string& message = refused.error().message;
  CHECK_MESSAGE(message.starts_with(record.what + ": refused, "), message);
  CHECK_MESSAGE((message + "\n").find("\n" + line) != std::string::npos,
                record.what << ": expected '" << line << "', found " << message);
}

inline void check_field(const StoredRecord& record, const nlohmann::json& whole,
                        const std::string& object, const std::string& name) {
  const std::string field = object + "/" + name;
  nlohmann::json damaged = whole;
  damaged.at(nlohmann::json::json_pointer(object)).erase(name);
  if (has(record.optional, field)) {
    CHECK_MESSAGE(record.rewrite(damaged.dump()), field);
  } else {
    check_damage(record, damaged, field + ": expected ");
  }
  if (has(record.foreign, field)) return;
  damaged = whole;
  damaged[nlohmann::json::json_pointer(field)] = nullptr;
  check_damage(record, damaged, field + ": expected ");
}

inline void check_fields(const StoredRecord& record, const nlohmann::json& whole,
                         const std::string& object) {
  nlohmann::json damaged = whole;
  damaged[nlohmann::json::json_pointer(object)]["zzz"] = 1;
  check_damage(record, damaged, object + "/zzz: unknown field, expected one of ");
  for (const auto& [name, value] : whole.at(nlohmann::json::json_pointer(object)).items()) {
    const std::string field = object + "/" + name;
    check_field(record, whole, object, name);
    if (has(record.maps, field) || has(record.foreign, field)) continue;
    if (value.is_object()) check_fields(record, whole, field);
    if (value.is_array() && !value.empty() && value[0].is_object())
      check_fields(record, whole, field + "/0");
  }
}

}  // namespace stored_record

inline void check_stored(const StoredRecord& record) {
  const auto rewritten = record.rewrite(record.golden);
  REQUIRE_MESSAGE(rewritten, record.what << ": " << rewritten.error().message);
  CHECK(*rewritten == record.golden);
  stored_record::check_fields(record, nlohmann::json::parse(record.golden), "");
}

// `parse` and to_json are the record's own.
template <class Parse>
std::function<Result<std::string>(const std::string&)> rewritten_by(Parse parse) {
  return [parse](const std::string& text) -> Result<std::string> {
    const auto read = parse(text);
    if (!read) return pass(read.error());
    return to_json(*read);
  };
}

}  // namespace muster
