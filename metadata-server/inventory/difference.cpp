#include "inventory/difference.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "document/problem.hpp"
#include "document/utf8.hpp"

namespace muster {

namespace {

struct CostRule {
  std::string_view prefix;
  ChangeCost cost;
};

// The first rule whose prefix fits decides. What the agent applies to a running machine is in its
// plan; this says it to the operator beforehand.
constexpr std::array<CostRule, 24> cost_rules{{
    {"/role/cluster/masters", ChangeCost::none},  // the balancer reloads
    {"/role/cluster/api", ChangeCost::restart},   // kubeconfigs name it
    {"/role/cluster/authorities", ChangeCost::restart},
    {"/role/macs", ChangeCost::none},      // only what preflight compares
    {"/role/", ChangeCost::reboot},        // who the machine is
    {"/certificates/", ChangeCost::none},  // issued anew behind the same path
    {"/config/releases/kubernetes", ChangeCost::restart},
    {"/config/releases/coredns", ChangeCost::none},  // an image that waits to be used
    {"/config/releases/cni-plugins", ChangeCost::none},
    {"/config/releases/cri-tools", ChangeCost::none},
    {"/config/releases/", ChangeCost::restart},
    {"/config/artifactMirrors", ChangeCost::none},
    {"/config/kubelet/labels", ChangeCost::none},  // kept by the holder of the duties
    {"/config/kubelet/taints", ChangeCost::none},
    {"/config/kubelet/", ChangeCost::restart},
    {"/config/containerd/registryMirrors", ChangeCost::none},  // read at each pull
    {"/config/containerd/", ChangeCost::restart},
    {"/config/kernel/", ChangeCost::none},  // set by a oneshot that disturbs nobody
    {"/config/files/", ChangeCost::none},
    {"/config/secrets/service-account-key", ChangeCost::restart},
    {"/config/secrets/encryption-configuration", ChangeCost::restart},
    {"/config/secrets/", ChangeCost::none},
    {"/config/componentArguments/", ChangeCost::restart},
    {"/config/failOnSwap", ChangeCost::restart},
}};

ChangeCost cost_at(const std::string& pointer) {
  for (const CostRule& rule : cost_rules) {
    if (pointer.starts_with(rule.prefix)) return rule.cost;
  }
  return ChangeCost::none;  // addons and bans, which the duties apply
}

// What an item of a list is called; "" when the list is one of plain values.
std::string item_name(const nlohmann::json& item) {
  if (!item.is_object()) return {};
  for (const char* key : {"name", "path"}) {
    if (const auto found = item.find(key); found != item.end() && found->is_string())
      return found->get<std::string>();
  }
  return {};
}

// A list whose items have different names reads as a map of them, so that one that was put in
// before the others does not look like a change of all.
nlohmann::json named_items(const nlohmann::json& list) {
  nlohmann::json map = nlohmann::json::object();
  for (const nlohmann::json& item : list) {
    const std::string name = item_name(item);
    if (name.empty() || map.contains(name)) return list;
    map[name] = item;
  }
  return map;
}

nlohmann::json names_of(const nlohmann::json& list) {
  nlohmann::json names = nlohmann::json::array();
  for (const nlohmann::json& item : list) names.push_back(item_name(item));
  return names;
}

class DocumentComparer {
 public:
  std::vector<Difference> compare(const NodeDocument& left, const NodeDocument& right) {
    compare("", as_json(left), as_json(right));
    return std::move(differences_);
  }

 private:
  static nlohmann::json as_json(const NodeDocument& document) {
    nlohmann::json json = nlohmann::json::parse(to_canonical_json(document), nullptr, false);
    if (json.is_discarded()) return nlohmann::json::object();
    for (const char* field : {"generation", "site", "apiVersion", "kind"}) json.erase(field);
    return json;
  }

  void compare(const std::string& pointer, const nlohmann::json& left,
               const nlohmann::json& right) {
    if (left == right) return;
    if (left.is_array() && right.is_array()) {
      const nlohmann::json left_map = named_items(left), right_map = named_items(right);
      if (left_map.is_object() && right_map.is_object())
        compare_maps(pointer, left_map, right_map);
      else
        add(pointer, left.dump(), right.dump());
      // Addons are applied in their order, so another one is a change.
      if (left_map == right_map && left_map.is_object())
        add(pointer, names_of(left).dump(), names_of(right).dump());
    } else if (left.is_object() && right.is_object()) {
      compare_maps(pointer, left, right);
    } else {
      add(pointer, left.dump(), right.dump());
    }
  }

  void compare_maps(const std::string& pointer, const nlohmann::json& left,
                    const nlohmann::json& right) {
    std::set<std::string> keys;
    for (const auto& [key, value] : left.items()) keys.insert(key);
    for (const auto& [key, value] : right.items()) keys.insert(key);
    for (const std::string& key : keys) {
      const std::string below = pointer_to(pointer, key);
      if (!left.contains(key))
        add(below, "", right[key].dump());
      else if (!right.contains(key))
        add(below, left[key].dump(), "");
      else
        compare(below, left[key], right[key]);
    }
  }

  void add(const std::string& pointer, std::string left, std::string right) {
    differences_.push_back(
        {pointer, shown(std::move(left)), shown(std::move(right)), cost_at(pointer)});
  }

  // A manifest of a thousand lines is not a line of a diff.
  static std::string shown(std::string json) {
    constexpr std::size_t longest = 120;
    if (json.size() <= longest) return json;
    return std::string(cut_text(json, longest)) + "...";
  }

  std::vector<Difference> differences_;
};

}  // namespace

std::string_view name(ChangeCost cost) {
  switch (cost) {
    case ChangeCost::none:
      return "none";
    case ChangeCost::restart:
      return "restart";
    case ChangeCost::reboot:
      return "reboot";
  }
  return "none";
}

std::vector<Difference> diff_documents(const NodeDocument& old_document,
                                       const NodeDocument& new_document) {
  return DocumentComparer().compare(old_document, new_document);
}

std::string to_text(const Difference& difference) {
  if (difference.old_value.empty())
    return fmt::format("{}: added {}", difference.pointer, difference.new_value);
  if (difference.new_value.empty())
    return fmt::format("{}: removed {}", difference.pointer, difference.old_value);
  return fmt::format("{}: {} -> {}", difference.pointer, difference.old_value,
                     difference.new_value);
}

ChangeCost cost_of(const std::vector<Difference>& differences) {
  ChangeCost dearest = ChangeCost::none;
  for (const Difference& difference : differences) dearest = std::max(dearest, difference.cost);
  return dearest;
}

}  // namespace muster
