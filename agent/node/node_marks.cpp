#include "agent/node/node_marks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr std::int64_t taints_told_for = 86'400;  // seconds

std::string annotation_of(const nlohmann::json& node, const char* name) {
  const auto metadata = node.find("metadata");
  if (metadata == node.end() || !metadata->is_object()) return {};
  const auto annotations = metadata->find("annotations");
  if (annotations == metadata->end() || !annotations->is_object()) return {};
  return text_at(*annotations, name);
}

// Kubernetes sets these by itself, for as long as there is a reason.
bool is_of_kubernetes(const std::string& key) {
  constexpr std::array prefixes = {"node.kubernetes.io/", "node.cloudprovider.kubernetes.io/",
                                   "node-role.kubernetes.io/"};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* prefix) { return key.rfind(prefix, 0) == 0; });
}

std::vector<std::string> taints_of(const nlohmann::json& spec, const std::string& ours) {
  std::vector<std::string> taints;
  const auto found = spec.find("taints");
  if (found == spec.end() || !found->is_array()) return taints;
  for (const auto& taint : *found) {
    if (!taint.is_object()) continue;
    const std::string key = text_at(taint, "key");
    // The duties put the inventory's on again, and name them in an annotation.
    if (key.empty() || is_of_kubernetes(key) || ours.find(key) != std::string::npos) continue;
    const std::string value = text_at(taint, "value");
    taints.push_back(
        fmt::format("{}{}{}:{}", key, value.empty() ? "" : "=", value, text_at(taint, "effect")));
  }
  std::sort(taints.begin(), taints.end());
  return taints;
}

}  // namespace

std::optional<NodeSeen> marks_in(std::string_view node_json) {
  JsonLimits limits;
  limits.size = 4u << 20;
  limits.depth = 64;
  const auto node = parse_strict_json("Node", node_json, limits);
  if (!node || !node->is_object()) return std::nullopt;
  const auto metadata = node->find("metadata");
  if (metadata == node->end() || !metadata->is_object()) return std::nullopt;
  NodeSeen seen;
  seen.marks.uid = text_at(*metadata, "uid");
  if (seen.marks.uid.empty()) return std::nullopt;
  const auto spec = node->find("spec");
  if (spec == node->end() || !spec->is_object()) return seen;
  const auto unschedulable = spec->find("unschedulable");
  seen.takes_no_pods = unschedulable != spec->end() && *unschedulable == true;
  seen.marks.is_cordoned = seen.takes_no_pods && annotation_of(*node, "muster/drain").empty();
  seen.marks.taints = taints_of(*spec, annotation_of(*node, "muster/taints"));
  return seen;
}

MarksDecision decide_marks(const NodeMarks& before, const NodeSeen& seen, std::int64_t now) {
  MarksDecision decision{seen.marks, false};
  auto& marks = decision.marks;
  marks.lost = before.lost;
  marks.lost_at = before.lost_at;
  if (!before.uid.empty() && before.uid != marks.uid) {
    decision.has_to_cordon = before.is_cordoned && !seen.takes_no_pods;
    marks.is_cordoned = marks.is_cordoned || before.is_cordoned;
    marks.lost = before.taints;
    marks.lost_at = now;
  }
  std::erase_if(marks.lost, [&](const std::string& taint) {
    return now - marks.lost_at > taints_told_for ||
           std::find(marks.taints.begin(), marks.taints.end(), taint) != marks.taints.end();
  });
  if (marks.lost.empty()) marks.lost_at = 0;
  return decision;
}

std::string lost_taints_text(const NodeMarks& marks, const std::string& node, std::int64_t now) {
  if (marks.lost.empty() || now - marks.lost_at > taints_told_for) return {};
  return fmt::format(
      "the Node object was deleted, and is back without taints that a person had set: kubectl taint nodes {} {}",
      node, fmt::join(marks.lost, " "));
}

}  // namespace muster
