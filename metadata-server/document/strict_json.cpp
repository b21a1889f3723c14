#include "document/strict_json.hpp"

#include <array>
#include <vector>

#include "document/problem.hpp"

namespace muster {
namespace {

using nlohmann::json;

// Builds the value while it follows the text. Returning false ends the parse.
class Builder final : public nlohmann::json_sax<json> {
 public:
  explicit Builder(std::size_t depth) : depth_(depth) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    const auto [field, is_new] =
        level.value->get_ref<json::object_t&>().try_emplace(std::move(name), nullptr);
    level.field = &*field;
    if (!is_new)
      problems_.push_back({pointer_to(place(levels_.size() - 1), field->first),
                           "expected one such key, found two"});
    return problems_.size() < most_problems;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // nlohmann's text is "[json.exception...] parse error at line 1, column 2: reason".
    const std::string text = error.what();
    const std::size_t start = text.find("] ");
    problems_.push_back(
        {"", fmt::format("expected JSON, found {} (byte {})",
                         start == std::string::npos ? text : text.substr(start + 2), position)});
    return false;
  }

  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }
  [[nodiscard]] json take() { return std::move(root_); }

 private:
  static constexpr std::size_t most_problems = 100;
  struct Level {
    json* value = nullptr;                        // an object or a list
    json::object_t::value_type* field = nullptr;  // the current one of an object
  };

  // Of the object or list that so many others hold.
  [[nodiscard]] std::string place(std::size_t depth) const {
    std::string where;
    for (std::size_t i = 0; i < depth; ++i) {
      const Level& level = levels_[i];
      where = level.field != nullptr ? pointer_to(where, level.field->first)
                                     : pointer_to(where, level.value->size() - 1);
    }
    return where;
  }

  json& put(json&& value) {
    if (levels_.empty()) return root_ = std::move(value);
    const Level& level = levels_.back();
    if (level.value->is_object()) return level.field->second = std::move(value);
    return level.value->emplace_back(std::move(value));
  }

  template <class Value>
  bool add(Value&& value) {
    put(json(std::forward<Value>(value)));
    return true;
  }

  bool open(json&& value) {
    json& there = put(std::move(value));
    if (levels_.size() >= depth_) {
      problems_.push_back({place(levels_.size()),
                           fmt::format("expected at most {} nested levels, found more", depth_)});
      return false;
    }
    levels_.push_back({&there, nullptr});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  std::size_t depth_;
  json root_;
  std::vector<Level> levels_;
  std::vector<Problem> problems_;
};

}  // namespace

Result<json> parse_strict_json(std::string_view what, std::string_view text,
                               const JsonLimits& limits) {
  if (text.size() > limits.size) {
    return fail(ErrorKind::exhausted, fmt::format("{}: expected at most {} bytes, found {}", what,
                                                  limits.size, text.size()));
  }
  Builder builder(limits.depth);
  const bool whole = json::sax_parse(text.begin(), text.end(), &builder);
  if (!builder.problems().empty()) return fail(what, builder.problems());
  if (!whole)
    return fail(ErrorKind::invalid, fmt::format("{}: expected JSON, found something else", what));
  return builder.take();
}

std::string canonical_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

namespace {
// true: it stands in JSON as it is.
constexpr std::array<bool, 256> plain_bytes() {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}

std::size_t end_of_plain(std::string_view text, std::size_t at) {
  static constexpr auto plain = plain_bytes();
  while (at < text.size() && plain[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}
}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out += '"';
  for (std::size_t begin = 0;;) {
    const std::size_t end = end_of_plain(text, begin);
    out.append(text.substr(begin, end - begin));
    if (end == text.size()) break;
    begin = end + 1;
    if (text[end] == '\n') {
      out += "\\n";
    } else if (text[end] == '"' || text[end] == '\\') {
      out += '\\';
      out += text[end];
    } else {
      out.resize(start);
      out += canonical_text(json(std::string(text)));
      return;
    }
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

std::string text_at(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace muster
