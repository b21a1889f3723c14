// Each record's fields are described once, for both ways: a description is called with a
// RecordWriter and the record to write, or with a RecordReader and the one to fill.
//
//   constexpr auto drain_fields = [](auto& fields, auto& record) {
//     fields.text("node", record.node);
//     fields.number("until", record.until);
//   };
//   record_text(record, drain_fields);
//   parse_record<DrainRecord>("drain record", json, drain_fields);
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "inventory/pod_cidrs.hpp"
#include "result/result.hpp"

namespace muster {

enum class Presence {
  always,  // missing, it is damage
  newer,   // written always, and missing in what an earlier program wrote
  if_set,  // left out where it is empty, 0 or false
};

// As canonical_text would write it. Not thread-safe.
class RecordWriter {
 public:
  void text(std::string_view field, std::string_view value, Presence presence = Presence::always);
  void flag(std::string_view field, bool value, Presence presence = Presence::always);
  void texts(std::string_view field, const std::vector<std::string>& values,
             Presence presence = Presence::always);
  void numbers(std::string_view field, const std::vector<std::uint64_t>& values,
               Presence presence = Presence::always);
  void text_map(std::string_view field, const std::map<std::string, std::string>& values,
                Presence presence = Presence::always);
  void text_map(std::string_view field, const PodCidrs& values) { text_map(field, *values); }
  void number_map(std::string_view field, const std::map<std::string, std::int64_t>& values,
                  Presence presence = Presence::always);
  void seconds(std::string_view field, std::chrono::seconds value) { number(field, value.count()); }
  // `unset`: what a record has that was not given any.
  template <class Number>
  void number(std::string_view field, Number value, Presence presence = Presence::always,
              std::type_identity_t<Number> unset = 0) {
    if (presence == Presence::if_set && value == unset) return;
    add(field, fmt::format("{}", value));
  }
  template <class Word, class Parse>
  void word(std::string_view field, Word value, const Parse&) {
    text(field, name(value));
  }
  template <class Inner, class Description>
  void object(std::string_view field, const Inner& value, const Description& describe) {
    add(field, written(value, describe));
  }
  template <class Inner, class Description>
  void object(std::string_view field, const std::optional<Inner>& value,
              const Description& describe) {
    if (value) add(field, written(*value, describe));
  }
  template <class Inner, class Description>
  void objects(std::string_view field, const std::vector<Inner>& list,
               const Description& describe) {
    std::vector<std::string> texts;
    for (const Inner& value : list) texts.push_back(written(value, describe));
    foreign_list(field, texts);
  }
  // Canonical JSON that others wrote, and read.
  void foreign(std::string_view field, std::string json) { add(field, std::move(json)); }
  void foreign_list(std::string_view field, const std::vector<std::string>& list);
  void formerly(std::string_view) {}

  [[nodiscard]] std::string whole();

 private:
  template <class Inner, class Description>
  [[nodiscard]] static std::string written(const Inner& value, const Description& describe) {
    RecordWriter inner;
    describe(inner, value);
    return inner.whole();
  }
  void add(std::string_view field, std::string json);

  std::vector<std::pair<std::string_view, std::string>> fields_;
};

// The same, of a record that is filled; what is wrong is a problem of `object`, as JsonObject tells
// it. Not thread-safe.
class RecordReader {
 public:
  explicit RecordReader(JsonObject& object) : object_(object) {}

  void text(std::string_view field, std::string& target, Presence presence = Presence::always) {
    object_.text(field, target, need(presence));
  }
  void flag(std::string_view field, bool& target, Presence presence = Presence::always) {
    object_.flag(field, target, need(presence));
  }
  void texts(std::string_view field, std::vector<std::string>& target,
             Presence presence = Presence::always) {
    object_.texts(field, target, need(presence));
  }
  void numbers(std::string_view field, std::vector<std::uint64_t>& target,
               Presence presence = Presence::always) {
    object_.numbers(field, target, need(presence));
  }
  void text_map(std::string_view field, std::map<std::string, std::string>& target,
                Presence presence = Presence::always) {
    object_.text_map(field, target, need(presence));
  }
  void text_map(std::string_view field, PodCidrs& target) { text_map(field, target.change()); }
  void number_map(std::string_view field, std::map<std::string, std::int64_t>& target,
                  Presence presence = Presence::always);
  void seconds(std::string_view field, std::chrono::seconds& target);
  template <class Number>
  void number(std::string_view field, Number& target, Presence presence = Presence::always,
              std::type_identity_t<Number> = 0) {
    object_.number(field, target, need(presence));
  }
  template <class Word, class Parse>
  void word(std::string_view field, Word& target, const Parse& parse) {
    object_.word(field, target, parse);
  }
  template <class Inner, class Description>
  void object(std::string_view field, Inner& target, const Description& describe) {
    object_.object(field, [&](JsonObject& inner) { fill(inner, target, describe); });
  }
  template <class Inner, class Description>
  void object(std::string_view field, std::optional<Inner>& target, const Description& describe) {
    object_.object(
        field, [&](JsonObject& inner) { fill(inner, target.emplace(), describe); }, Need::optional);
  }
  template <class Inner, class Description>
  void objects(std::string_view field, std::vector<Inner>& list, const Description& describe) {
    object_.objects(field, [&](JsonObject& inner) { fill(inner, list.emplace_back(), describe); });
  }
  void foreign(std::string_view field, std::string& json);
  void foreign_list(std::string_view field, std::vector<std::string>& list);
  // Earlier programs wrote it; it says nothing any more.
  void formerly(std::string_view field);

 private:
  template <class Inner, class Description>
  static void fill(JsonObject& object, Inner& target, const Description& describe) {
    RecordReader reader(object);
    describe(reader, target);
  }
  [[nodiscard]] static Need need(Presence presence) {
    return presence == Presence::always ? Need::required : Need::optional;
  }

  JsonObject& object_;
};

template <class Stored, class Description>
[[nodiscard]] std::string record_text(const Stored& record, const Description& describe) {
  RecordWriter writer;
  describe(writer, record);
  return writer.whole();
}

template <class Stored, class Description>
[[nodiscard]] std::vector<Problem> fill_record(const nlohmann::json& value, Stored& record,
                                               const Description& describe) {
  std::vector<Problem> problems;
  JsonObject root(value, "", problems);
  RecordReader reader(root);
  describe(reader, record);
  root.close();
  return problems;
}

// What the store holds was written by this server: a record that does not parse is damage, never
// the asker's mistake.
template <class T>
[[nodiscard]] Result<T> as_stored(Result<T> parsed) {
  if (!parsed) parsed.error() = Error(ErrorKind::corrupt, std::move(parsed.error().message));
  return parsed;
}

// kind corrupt: `what` ("drain record") with every problem.
template <class Stored, class Description>
[[nodiscard]] Result<Stored> parse_record(std::string_view what, std::string_view json,
                                          const Description& describe,
                                          const JsonLimits& limits = {}) {
  const auto value = as_stored(parse_strict_json(what, json, limits));
  if (!value) return pass(value.error());
  Stored record;
  const auto problems = fill_record(*value, record, describe);
  if (!problems.empty()) return as_stored<Stored>(fail(what, problems));
  return record;
}

// Whether it is one, for who looks for damage.
template <class Stored, class Description>
[[nodiscard]] Result<void> check_record(std::string_view what, std::string_view json,
                                        const Description& describe) {
  const auto read = parse_record<Stored>(what, json, describe);
  return read ? Result<void>() : pass(read.error());
}

}  // namespace muster
