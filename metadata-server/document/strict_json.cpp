#include "document/strict_json.hpp"

#include <set>
#include <vector>

#include "document/problem.hpp"

namespace muster {
namespace {

using nlohmann::json;

// Follows the text without building it. Returning false ends the parse.
class Precheck final : public nlohmann::json_sax<json> {
 public:
  explicit Precheck(std::size_t depth) : depth_(depth) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.field = name;
    if (!level.fields.insert(name).second) {
      problems_.push_back({pointer_to(level.where, name), "expected one such key, found two"});
    }
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

 private:
  static constexpr std::size_t most_problems = 100;
  struct Level {
    std::string where;
    bool is_object = false;
    std::set<std::string> fields;
    std::string field;      // the current one of an object
    std::size_t index = 0;  // the next one of a list
  };

  [[nodiscard]] std::string here() const {
    if (levels_.empty()) return "";
    const Level& level = levels_.back();
    return level.is_object ? pointer_to(level.where, level.field)
                           : pointer_to(level.where, level.index);
  }

  bool value() {
    if (!levels_.empty()) ++levels_.back().index;
    return true;
  }

  bool open(bool is_object) {
    if (levels_.size() >= depth_) {
      problems_.push_back(
          {here(), fmt::format("expected at most {} nested levels, found more", depth_)});
      return false;
    }
    levels_.push_back({here(), is_object, {}, {}, 0});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return value();
  }

  std::size_t depth_;
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
  Precheck precheck(limits.depth);
  const bool whole = json::sax_parse(text.begin(), text.end(), &precheck);
  if (!precheck.problems().empty()) return fail(what, precheck.problems());
  json value = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!whole || value.is_discarded()) {
    return fail(ErrorKind::invalid, fmt::format("{}: expected JSON, found something else", what));
  }
  return value;
}

std::string canonical_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) return canonical_text(json(std::string(text)));
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string text_at(const nlohmann::json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace muster
