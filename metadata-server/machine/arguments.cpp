#include "machine/arguments.hpp"

#include <algorithm>

namespace muster {
namespace {

std::string quoted_for_unit(std::string_view word) {
  std::string quoted;
  for (const char c : word) {
    // One backslash for the splitting of $ARGS, doubled because the file's own pass removes one.
    if (c == ' ' || c == '\t' || c == '\'' || c == '"' || c == '\\') quoted += "\\\\";
    if (c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string_view name_of(std::string_view entry) {
  if (!entry.empty() && entry.front() == '-') entry.remove_prefix(1);
  return entry.substr(0, entry.find('='));
}

bool names(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (name_of(list.substr(0, comma)) == name) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

Arguments::Arguments(std::initializer_list<std::pair<std::string, std::string>> flags) {
  for (const auto& [flag, value] : flags) set(flag, value);
}

void Arguments::set(const std::string& flag, const std::string& value) {
  const auto found = std::find_if(flags_.begin(), flags_.end(),
                                  [&](const auto& entry) { return entry.first == flag; });
  if (found == flags_.end()) {
    flags_.emplace_back(flag, value);
  } else {
    found->second = value;
  }
}

void Arguments::override_with(
    const std::map<std::string, std::map<std::string, std::string>>& by_component,
    const std::string& component) {
  const auto found = by_component.find(component);
  if (found == by_component.end()) return;
  for (const auto& [flag, value] : found->second) set(flag, value);
}

void Arguments::keep_entries(const std::string& flag, const std::vector<std::string>& entries) {
  std::string list(value(flag));
  for (const std::string& entry : entries) {
    if (names(list, name_of(entry))) continue;
    if (!list.empty()) list += ',';
    list += entry;
  }
  set(flag, list);
}

std::string_view Arguments::value(std::string_view flag) const {
  for (const auto& [name, value] : flags_) {
    if (name == flag) return value;
  }
  return {};
}

std::vector<std::string> Arguments::words() const {
  std::vector<std::string> words;
  for (const auto& [flag, value] : flags_) words.push_back("--" + flag + "=" + value);
  return words;
}

std::string environment_file(const Arguments& arguments, std::string_view variable) {
  std::string text = std::string(variable) + "=";
  bool first = true;
  for (const std::string& word : arguments.words()) {
    if (!first) text += ' ';
    text += quoted_for_unit(word);
    first = false;
  }
  return text + "\n";
}

}  // namespace muster
