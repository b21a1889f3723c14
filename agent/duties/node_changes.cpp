#include "agent/duties/node_changes.hpp"

#include <algorithm>
#include <set>

#include "machine/kubelet_config.hpp"

namespace muster {
namespace {

using nlohmann::json;

bool is_master(const NodeDocument& document, const std::string& name) {
  const auto& masters = document.role.cluster.masters;
  return std::any_of(masters.begin(), masters.end(),
                     [&](const MachineAddress& master) { return master.name == name; });
}

std::set<std::string> words_of(const NodeView& node, const char* annotation) {
  std::set<std::string> words;
  const auto found = node.annotations.find(annotation);
  if (found == node.annotations.end()) return words;
  std::string_view text = found->second;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    words.emplace(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return words;
}

void set_annotation(const NodeView& node, const char* key, const std::set<std::string>& words,
                    json& patch) {
  const std::string value = fmt::format("{}", fmt::join(words, ","));
  const auto found = node.annotations.find(key);
  if (found == node.annotations.end() || found->second != value) {
    patch["metadata"]["annotations"][key] = value;
  }
}

void compare_labels(const NodeView& node, const std::map<std::string, std::string>& wanted,
                    json& patch, std::vector<std::string>& changes) {
  std::set<std::string> keys;
  for (const auto& [key, value] : wanted) {
    keys.insert(key);
    const auto found = node.labels.find(key);
    if (found != node.labels.end() && found->second == value) continue;
    patch["metadata"]["labels"][key] = value;
    changes.push_back(fmt::format("{}: label {}={}", node.name, key, value));
  }
  for (const std::string& key : words_of(node, labels_annotation)) {
    if (keys.count(key) > 0 || node.labels.count(key) == 0) continue;
    patch["metadata"]["labels"][key] = nullptr;
    changes.push_back(fmt::format("{}: label {} removed", node.name, key));
  }
  set_annotation(node, labels_annotation, keys, patch);
}

std::string name_of(const json& taint) {
  return taint.value("key", "") + ":" + taint.value("effect", "");
}

void compare_taints(const NodeView& node, const std::vector<Taint>& wanted, json& patch,
                    std::vector<std::string>& changes) {
  std::set<std::string> names;
  json taints = json::array();
  for (const Taint& taint : wanted) {
    json row = {{"key", taint.key}, {"effect", taint.effect}};
    if (!taint.value.empty()) row["value"] = taint.value;
    names.insert(name_of(row));
    const auto same = std::find_if(node.taints.begin(), node.taints.end(), [&](const json& found) {
      return name_of(found) == name_of(row) && found.value("value", "") == taint.value;
    });
    if (same == node.taints.end()) {
      changes.push_back(
          fmt::format("{}: taint {}={}:{}", node.name, taint.key, taint.value, taint.effect));
    } else {
      row = *same;  // with the time of a NoExecute taint
    }
    taints.push_back(row);
  }
  const std::set<std::string> ours = words_of(node, taints_annotation);
  for (const json& taint : node.taints) {
    if (names.count(name_of(taint)) > 0) continue;
    if (ours.count(name_of(taint)) > 0) {
      changes.push_back(fmt::format("{}: taint {} removed", node.name, name_of(taint)));
    } else {
      taints.push_back(taint);  // another's: not-ready, unreachable, a person's
    }
  }
  set_annotation(node, taints_annotation, names, patch);
  const bool is_same = taints.size() == node.taints.size() &&
                       std::is_permutation(taints.begin(), taints.end(), node.taints.begin());
  if (is_same) return;
  patch["spec"]["taints"] = taints;
  // The list is replaced as a whole: refused when somebody changed it meanwhile.
  patch["metadata"]["resourceVersion"] = node.resource_version;
}

// A Node is said to be drained only while it takes no pods.
void compare_drain(const NodeView& node, Drain wanted, json& patch,
                   std::vector<std::string>& changes, std::vector<std::string>& drains) {
  const auto found = node.annotations.find(drain_annotation);
  const bool is_ours = found != node.annotations.end();
  if (wanted == Drain::none) {
    if (!is_ours) return;
    patch["spec"]["unschedulable"] = nullptr;
    patch["metadata"]["annotations"][drain_annotation] = nullptr;
    changes.push_back(node.name + ": takes pods again");
    return;
  }
  const bool is_drained = is_ours && node.is_unschedulable && found->second == "drained";
  if (wanted == Drain::evict && !is_drained) drains.push_back(node.name);
  if (is_ours && node.is_unschedulable) return;
  patch["spec"]["unschedulable"] = true;
  patch["metadata"]["annotations"][drain_annotation] = "cordoned";
  changes.push_back(node.name + ": takes no more pods");
}

std::map<std::string, std::string> wanted_labels(const NodeDocument& document,
                                                 const PeerEntry& peer) {
  std::map<std::string, std::string> labels = peer.labels;
  labels.emplace(is_master(document, peer.name) ? "node-role.kubernetes.io/control-plane"
                                                : "node-role.kubernetes.io/node",
                 "");
  return labels;
}

// Some leave before a turn has written anything on their Node: the document names those.
bool is_ours(const NodeView& node, const NodeDocument& document) {
  const auto& left = document.config.banned_machines;
  return node.annotations.count(labels_annotation) > 0 ||
         std::find(left.begin(), left.end(), node.name) != left.end();
}

void add_patch(const NodeView& node, const json& patch, std::vector<std::string> changes,
               NodeChanges& result) {
  const std::string text = patch.dump();
  for (NodePatch& known : result.patches) {
    if (known.patch != text) continue;
    known.nodes.push_back(node.name);
    known.changes.insert(known.changes.end(), changes.begin(), changes.end());
    return;
  }
  result.patches.push_back({{node.name}, text, std::move(changes)});
}

}  // namespace

NodeChanges node_changes(const NodeDocument& document, const PeerList& peers,
                         const std::vector<NodeView>& nodes) {
  std::map<std::string, const PeerEntry*> by_name;
  for (const PeerEntry& peer : peers.peers) by_name[peer.name] = &peer;
  const bool is_believed = by_name.count(document.role.node) > 0;

  NodeChanges result;
  for (const NodeView& node : nodes) {
    const auto peer = by_name.find(node.name);
    if (peer == by_name.end()) {
      if (is_believed && is_ours(node, document)) result.removed.push_back(node.name);
      continue;
    }
    json patch = json::object();
    std::vector<std::string> changes;
    compare_labels(node, wanted_labels(document, *peer->second), patch, changes);
    compare_taints(node, node_taints(is_master(document, node.name), peer->second->taints), patch,
                   changes);
    compare_drain(node, peer->second->drain, patch, changes, result.drains);
    if (!patch.empty()) add_patch(node, patch, std::move(changes), result);
  }
  return result;
}

}  // namespace muster
