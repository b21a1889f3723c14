#include "inventory/yaml_reader.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "document/utf8.hpp"
#include "inventory/load.hpp"

namespace muster {

namespace {

// The text itself, where events do not tell enough.
class SourceText {
 public:
  explicit SourceText(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t at = text.find('\n'); at != std::string_view::npos;
         at = text.find('\n', at + 1))
      starts_.push_back(at + 1);
  }

  // The word for null that stands there, "" if none does. Line and column from 0, in letters.
  [[nodiscard]] std::string null_at(int line, int column) const {
    if (line < 0 || static_cast<std::size_t>(line) >= starts_.size()) return {};
    std::string_view rest = text_.substr(starts_[static_cast<std::size_t>(line)]);
    rest = rest.substr(0, rest.find_first_of("\r\n"));
    for (int letter = 0; letter < column && !rest.empty(); ++letter) {
      do rest.remove_prefix(1);
      while (!rest.empty() && (static_cast<unsigned char>(rest.front()) & 0xc0) == 0x80);
    }
    const std::string_view word = rest.substr(0, rest.find_first_of(" \t,]}#:"));
    const bool is_key = word.size() < rest.size() && rest[word.size()] == ':';
    const bool is_null = word == "~" || word == "null" || word == "Null" || word == "NULL";
    return is_null && !is_key ? std::string(word) : std::string();
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;  // of lines
};

// Builds values from events instead of YAML::Node: aliases are seen before they are expanded, and
// the places of keys are kept.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> file, const std::string& text, YamlFile& out,
              std::size_t& values_left)
      : file_(std::move(file)), text_(text), out_(out), values_left_(values_left) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {
    if (root_ && root_->kind != Value::Kind::null && !stopped_)
      out_.documents.push_back(std::move(*root_));
    root_.reset();
  }
  // yaml-cpp hands both over as one: nothing at all, and a null that is written. That keeps its
  // text.
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    Value value = leaf(mark, Value::Kind::null);
    value.scalar = text_.null_at(mark.line, mark.column);
    add(std::move(value));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(place(mark), "the value itself", "an alias");
    Value value = leaf(mark, Value::Kind::null);
    value.scalar = "null";  // told already
    add(std::move(value));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    check_tag(mark, tag);
    const bool plain = tag == "?";
    const bool is_null = plain && (text == "~" || text == "null");
    Value value = leaf(mark, is_null ? Value::Kind::null : Value::Kind::scalar);
    value.scalar = text;
    value.quoted = !plain;
    add(std::move(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, Value::Kind::list);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, Value::Kind::map);
  }
  void OnMapEnd() override { end(); }

  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  struct Frame {
    Value value;
    std::optional<std::string> key;
    Place key_place;
  };

  Place place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }
  Value leaf(const YAML::Mark& mark, Value::Kind kind) const {
    Value value;
    value.kind = kind;
    value.place = place(mark);
    return value;
  }
  void report(const Place& where, std::string expected, std::string found) {
    out_.problems.push_back(problem_at(where, "", std::move(expected), std::move(found)));
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag != "?" && tag != "!" && !tag.empty())
      report(place(mark), "a value without a tag", fmt::format("the tag '{}'", tag));
  }

  void start(const YAML::Mark& mark, const std::string& tag, Value::Kind kind) {
    if (tag != "?" && tag != "!") check_tag(mark, tag);
    if (too_deep_ > 0 || frames_.size() >= static_cast<std::size_t>(maximum_inventory_depth)) {
      if (too_deep_++ == 0)
        report(place(mark), fmt::format("at most {} levels", maximum_inventory_depth), "more");
      return;
    }
    frames_.push_back({leaf(mark, kind), {}, {}});
  }

  void end() {
    if (too_deep_ > 0) {
      if (--too_deep_ == 0) attach(Value{});
      return;
    }
    Value value = std::move(frames_.back().value);
    frames_.pop_back();
    attach(std::move(value));
  }

  void add(Value value) {
    if (too_deep_ == 0) attach(std::move(value));
  }

  void attach(Value value) {
    if (!spend(value.place)) return;
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.kind == Value::Kind::list)
      frame.value.items.push_back(std::move(value));
    else if (!frame.key)
      take_key(frame, value);
    else
      take_field(frame, std::move(value));
  }

  bool spend(const Place& where) {
    if (values_left_ > 0) {
      --values_left_;
      return true;
    }
    if (!stopped_)
      report(where, fmt::format("at most {} values in all files", maximum_inventory_values),
             "more");
    stopped_ = true;
    return false;
  }

  void take_key(Frame& frame, const Value& value) {
    if (value.kind != Value::Kind::scalar) report(value.place, "a name as key", "something else");
    frame.key = value.scalar;
    frame.key_place = value.place;
  }

  void take_field(Frame& frame, Value value) {
    // Without a colon yaml-cpp makes a null of it, at the key itself.
    const bool has_colon = value.kind != Value::Kind::null || !value.scalar.empty() ||
                           value.place.line != frame.key_place.line ||
                           value.place.column != frame.key_place.column;
    if (!has_colon) {
      out_.later.push_back(problem_at(frame.key_place, "",
                                      fmt::format("':' and a value behind '{}'", *frame.key),
                                      "nothing", "is the file cut short?"));
      value.scalar = "null";  // told already
    }
    value.place = frame.key_place;
    const auto [slot, added] = frame.value.fields.try_emplace(*frame.key, std::move(value));
    if (!added)
      report(frame.key_place, fmt::format("'{}' once", *frame.key),
             fmt::format("it again after line {}", slot->second.place.line));
    frame.key.reset();
  }

  std::shared_ptr<const std::string> file_;
  SourceText text_;
  YamlFile& out_;
  std::size_t& values_left_;
  std::vector<Frame> frames_;
  std::optional<Value> root_;
  int too_deep_ = 0;
  bool stopped_ = false;
};

Place place_of_byte(const std::shared_ptr<const std::string>& file, const std::string& text,
                    std::size_t offset) {
  const std::string_view before = std::string_view(text).substr(0, offset);
  const std::size_t line_start = before.rfind('\n');
  const std::size_t column =
      line_start == std::string_view::npos ? offset + 1 : offset - line_start;
  return {file, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(column)};
}

void give_up(YamlFile& out, const Place& place, std::string expected, std::string found) {
  out.problems.push_back(problem_at(place, "", std::move(expected), std::move(found)));
  out.complete = false;
}

}  // namespace

YamlFile read_yaml(const std::string& file, const std::string& text, std::size_t& values_left) {
  YamlFile out;
  const auto shared = std::make_shared<const std::string>(file);
  if (const std::size_t bad = find_bad_byte(text); bad != std::string::npos) {
    const auto byte = static_cast<unsigned char>(text[bad]);
    give_up(out, place_of_byte(shared, text, bad), "UTF-8 text", fmt::format("byte {:#04x}", byte));
    return out;
  }
  TreeBuilder builder(shared, text, out, values_left);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (!builder.stopped() && parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::Exception& error) {
    give_up(out, {shared, error.mark.line + 1, error.mark.column + 1}, "YAML", error.msg);
  } catch (const std::exception& error) {
    give_up(out, {shared, 0, 0}, "YAML", error.what());
  }
  if (builder.stopped()) out.complete = false;
  return out;
}

}  // namespace muster
