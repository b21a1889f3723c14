#include "cli/named_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "inventory/layers.hpp"
#include "inventory/pool_members.hpp"

namespace muster {
namespace {

bool is_of_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '_';
}

// As a word of its own; letters' case does not count, since Go's names begin with a large one.
bool holds(const std::string& words, const std::string& name) {
  const auto same = [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) ==
           std::tolower(static_cast<unsigned char>(right));
  };
  for (auto from = words.begin();; ++from) {
    from = std::search(from, words.end(), name.begin(), name.end(), same);
    if (from == words.end()) return false;
    const auto end = from + static_cast<std::ptrdiff_t>(name.size());
    // "--max-pods" is the flag's name too.
    const bool begins = from == words.begin() || !is_of_word(*(from - 1)) || *(from - 1) == '-';
    if (begins && (end == words.end() || !is_of_word(*end))) return true;
  }
}

class Finder {
 public:
  explicit Finder(const std::string& words) : words_(words) {}

  void look(const std::string& name, const Place& place, const std::string& field) {
    if (name.size() < 3 || name.size() <= best_ || !holds(words_, name)) return;
    best_ = name.size();
    found_ = {place, field};
  }
  // Its keys, and those below.
  void look(const Value& value, const std::string& path) {
    for (const auto& [name, field] : value.fields) {
      look(name, field.place, fmt::format("{}.{}", path, name));
      look(field, fmt::format("{}.{}", path, name));
    }
    for (std::size_t index = 0; index < value.items.size(); ++index) {
      const std::string inner = fmt::format("{}[{}]", path, index);
      look(value.items[index].scalar, value.items[index].place, inner);
      look(value.items[index], inner);
    }
  }
  [[nodiscard]] bool is_found() const { return best_ > 0; }
  [[nodiscard]] const NamedPlace& found() const { return found_; }

 private:
  const std::string& words_;
  std::size_t best_ = 0;
  NamedPlace found_;
};

std::optional<Node> machine_called(const Inventory& inventory, const Cluster& cluster,
                                   const MachineIdentity& machine) {
  for (const Node* node : nodes_of(inventory, cluster.name.value)) {
    if (node->name.value == machine.node) return *node;
  }
  for (const NodePool* pool : pools_of(inventory, cluster.name.value)) {
    if (pool->name.value == machine.pool)
      return node_of(*pool, {machine.node, machine.pool, machine.role, machine.address});
  }
  return std::nullopt;
}

}  // namespace

NamedPlace place_named_in(const Inventory& inventory, const Cluster& cluster,
                          const MachineIdentity& machine, const std::string& program,
                          const std::string& words) {
  Finder finder(words);
  if (const auto flags = cluster.component_arguments.find(program);
      flags != cluster.component_arguments.end()) {
    for (const auto& [flag, value] : flags->second)
      finder.look(flag, value.place, fmt::format("spec.componentArguments[{}][{}]", program, flag));
  }
  const auto node = machine_called(inventory, cluster, machine);
  if (!node) return {cluster.name.place, {}};
  if (program == "kubelet") {
    const Layers layers = merge_layers(inventory, cluster, *node);
    if (const Value* kubelet = layers.settings.find("kubelet"))
      finder.look(*kubelet, "spec.kubelet");
  }
  if (finder.is_found()) return finder.found();
  // Words that name nothing of the operator's are about the flags of that program, if there are
  // any.
  if (const auto flags = cluster.component_arguments.find(program);
      flags != cluster.component_arguments.end() && !flags->second.empty())
    return {flags->second.begin()->second.place,
            fmt::format("spec.componentArguments[{}]", program)};
  return {node->name.place, {}};
}

}  // namespace muster
