// Reads the fields of one JSON object and collects every problem: wrong type, missing, unknown.
// What is wrong leaves its target as it was. Not thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "document/problem.hpp"

namespace muster {

enum class Need { required, optional };
// What a newer program may have added: a document's unknown field is an error, since a misspelt
// restriction would be no restriction; a report's is not, since it restricts nothing.
enum class UnknownFields { refused, ignored };

class JsonObject {
 public:
  // Problems are appended to `problems`, which must outlive the object. A value that is no object
  // is one problem, and every read of it is silent.
  JsonObject(const nlohmann::json& value, std::string where, std::vector<Problem>& problems,
             UnknownFields unknown = UnknownFields::refused);

  void constant(std::string_view field, std::string_view expected);
  void text(std::string_view field, std::string& target, Need need = Need::required);
  void flag(std::string_view field, bool& target, Need need = Need::required);
  void texts(std::string_view field, std::vector<std::string>& target, Need need = Need::required);
  void numbers(std::string_view field, std::vector<std::uint64_t>& target,
               Need need = Need::required);
  void text_map(std::string_view field, std::map<std::string, std::string>& target,
                Need need = Need::required);
  void text_list_map(std::string_view field,
                     std::map<std::string, std::vector<std::string>>& target,
                     Need need = Need::required);
  // A whole number from 0 (or `lowest`) to what the target holds.
  template <class Number>
  void number(std::string_view field, Number& target, Need need = Need::required) {
    std::int64_t low = 0;
    if (std::numeric_limits<Number>::is_signed) {
      low = static_cast<std::int64_t>(std::numeric_limits<Number>::min());
    }
    if (const auto found = whole_number(
            field, low, static_cast<std::uint64_t>(std::numeric_limits<Number>::max()), need)) {
      target = found->template get<Number>();
    }
  }
  // One of a fixed set of words: `parse` gives Result<T>, whose message must name the words.
  template <class T, class Parse>
  void word(std::string_view field, T& target, Parse parse, Need need = Need::required) {
    std::string found;
    const std::size_t before = problems_->size();
    text(field, found, need);
    if (before != problems_->size() || !has(field)) return;
    auto parsed = parse(found);
    if (parsed) {
      target = *parsed;
    } else {
      problem(field, parsed.error().message);
    }
  }
  // `read` is called with a JsonObject for the field's value, which treats unknown fields alike.
  template <class Read>
  void object(std::string_view field, Read read, Need need = Need::required) {
    const nlohmann::json* value = take(field, need, "an object");
    if (value == nullptr) return;
    JsonObject inner(*value, pointer_to(where_, field), *problems_, unknown_);
    read(inner);
    inner.close();
  }
  // Likewise for each element of a list of objects.
  template <class Read>
  void objects(std::string_view field, Read read, Need need = Need::required) {
    const nlohmann::json* value = list(field, need);
    if (value == nullptr) return;
    const std::string where = pointer_to(where_, field);
    for (std::size_t i = 0; i < value->size(); ++i) {
      JsonObject inner((*value)[i], pointer_to(where, i), *problems_, unknown_);
      read(inner);
      inner.close();
    }
  }
  // The value as it is; nullptr when it is missing. Marks the field as known.
  [[nodiscard]] const nlohmann::json* raw(std::string_view field, Need need = Need::required);

  // The names of all fields that are there, for maps whose keys are data.
  [[nodiscard]] std::vector<std::string> fields() const;
  [[nodiscard]] bool has(std::string_view field) const;
  void problem(std::string_view field, std::string message);
  // Reports every field that nothing asked for, where these are refused. Call once, last.
  void close();
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  [[nodiscard]] const nlohmann::json* take(std::string_view field, Need need,
                                           std::string_view expected);
  [[nodiscard]] const nlohmann::json* list(std::string_view field, Need need);
  [[nodiscard]] const nlohmann::json* whole_number(std::string_view field, std::int64_t lowest,
                                                   std::uint64_t highest, Need need);
  void wrong_type(const std::string& where, std::string_view expected, const nlohmann::json& found);
  [[nodiscard]] bool read_texts(const nlohmann::json& value, const std::string& where,
                                std::vector<std::string>& target);

  const nlohmann::json* value_;
  std::string where_;
  std::vector<Problem>* problems_;
  UnknownFields unknown_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace muster
