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

// What vendors leave in the firmware's tables of every machine they sell.
bool is_filler(const std::string& mark) {
  const std::string text = lower_case(mark);
  constexpr std::array<std::string_view, 8> fillers{"to be filled by o.e.m.",
                                                    "default string",
                                                    "system serial number",
                                                    "not specified",
                                                    "none",
                                                    "unknown",
                                                    "o.e.m.",
                                                    "empty"};
  return std::find(fillers.begin(), fillers.end(), text) != fillers.end() ||
         text.find_first_not_of("0-:.") == std::string::npos ||
         text.find_first_not_of("f-:") == std::string::npos ||
         text == "03000200-0400-0500-0006-000700080009";
}

// The marks of one machine as keys of the index, fillers and empty ones left out.
std::vector<std::string> keys_of(const MachineMarks& marks) {
  std::vector<std::string> keys;
  const auto add = [&](const char* kind, const std::string& mark) {
    if (!mark.empty() && !is_filler(mark)) keys.push_back(fmt::format("{} {}", kind, mark));
  };
  for (const std::string& mac : marks.macs) add("mac", canonical_mac(mac));
  add("uuid", lower_case(marks.uuid));
  add("serial", marks.serial);
  add("instance", marks.instance_id);
  return keys;
}

}  // namespace

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
