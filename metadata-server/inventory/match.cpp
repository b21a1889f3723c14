#include "inventory/match.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "document/field_syntax.hpp"

namespace muster {

namespace {

std::string canonical_mac(std::string mac) {
  std::replace(mac.begin(), mac.end(), '-', ':');
  return lower_case(mac);
}

// The marks of one machine as keys of the index, fillers and empty ones left out.
std::vector<std::string> keys_of(const MachineMarks& marks) {
  std::vector<std::string> keys;
  const auto add = [&](const char* kind, const std::string& mark) {
    if (!mark.empty() && !is_filler_mark(mark)) keys.push_back(fmt::format("{} {}", kind, mark));
  };
  for (const std::string& mac : marks.macs) add("mac", canonical_mac(mac));
  add("uuid", lower_case(marks.uuid));
  add("serial", marks.serial);
  add("instance", marks.instance_id);
  return keys;
}

}  // namespace

bool is_filler_mark(std::string_view mark) {
  mark.remove_prefix(std::min(mark.find_first_not_of(' '), mark.size()));
  const std::string text = lower_case(mark.substr(0, mark.find_last_not_of(' ') + 1));
  constexpr std::array fillers = std::to_array<std::string_view>(
      {"to be filled by o.e.m.", "to be filled by oem", "to be filled", "fill by oem",
       "default string", "default", "system serial number", "system-serial-number",
       "systemserialnumb", "system serial", "chassis serial number", "chassis serial",
       "base board serial number", "board serial number", "type2 - board serial number",
       "serial number", "serialnumber", "serial", "system product name", "system manufacturer",
       "system version", "system uuid", "not specified", "not applicable", "not available",
       "not present", "not set", "not settable", "unspecified", "n/a", "na", "none", "null", "nil",
       "unknown", "undefined", "invalid", "o.e.m.", "oem", "empty", "<empty>", "tbd", "0123456789",
       "1234567890", "123456789", "12345678", "1234567", "123456", "123456789012", "9876543210",
       // UUIDs, the first in both byte orders.
       "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
       "12345678-1234-5678-90ab-cddeefaabbcc", "03020100-0504-0706-0809-0a0b0c0d0e0f",
       "00010203-0405-0607-0809-0a0b0c0d0e0f", "4c4c4544-0000-2010-8020-80c04f202020"});
  if (std::find(fillers.begin(), fillers.end(), text) != fillers.end()) return true;
  // One letter all over.
  const std::size_t first = text.find_first_not_of("-:. ");
  if (first == std::string::npos) return true;
  constexpr std::string_view placeholders = "0fx*#?";
  return placeholders.find(text[first]) != std::string_view::npos &&
         text.find_first_not_of(std::string{"-:. "} + text[first]) == std::string::npos;
}

MachineMarks marks_of(const Node& node) {
  MachineMarks marks;
  for (const Sourced<std::string>& mac : node.match.macs) marks.macs.push_back(mac.value);
  marks.uuid = node.match.uuid.value;
  marks.serial = node.match.serial.value;
  marks.instance_id = node.match.instance_id.value;
  return marks;
}

MatchIndex::MatchIndex(const std::vector<const Node*>& nodes) {
  names_.reserve(nodes.size());
  for (const Node* node : nodes) {
    names_.push_back({node->cluster.value, node->name.value});
    for (const std::string& key : keys_of(marks_of(*node))) marks_.emplace(key, names_.size() - 1);
  }
}

MatchResult MatchIndex::match(const MachineMarks& marks) const {
  MatchResult result;
  for (const std::string& key : keys_of(marks)) {
    const auto found = marks_.find(key);
    if (found == marks_.end()) continue;
    const NodeName& node = names_[found->second];
    result.reasons.push_back(fmt::format("{} is {}/{}", key, node.cluster, node.node));
    if (result.kind == MatchResult::Kind::unknown) {
      result.kind = MatchResult::Kind::matched;
      result.node = node;
    } else if (!(result.node == node)) {
      result.kind = MatchResult::Kind::ambiguous;
    }
  }
  if (result.kind == MatchResult::Kind::ambiguous) result.node = {};
  return result;
}

}  // namespace muster
