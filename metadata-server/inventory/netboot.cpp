#include "inventory/netboot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "document/problem.hpp"
#include "document/release_names.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

constexpr std::string_view image_field = "netboot.image";
constexpr std::string_view arguments_field = "kernel.arguments";

using Names = std::vector<Sourced<std::string>>;

// The highest layer of a machine that says the field; nullptr: none does.
class Layering {
 public:
  Layering(const Inventory& inventory, const Cluster& cluster)
      : inventory_(inventory), cluster_(cluster) {}

  template <class Machine>
  const Value* find(const Machine& machine, std::string_view field) const {
    if (const Value* own = machine.overrides.find_path(field)) return own;
    for (const Names* names : {&machine.profiles, &cluster_.profiles}) {
      for (auto name = names->rbegin(); name != names->rend(); ++name) {
        const auto profile = inventory_.profiles.find(name->value);
        const Value* written = profile == inventory_.profiles.end()
                                   ? nullptr
                                   : profile->second.settings.find_path(field);
        if (written != nullptr) return written;
      }
    }
    return nullptr;
  }

 private:
  const Inventory& inventory_;
  const Cluster& cluster_;
};

std::string release_of(const std::string& image) {
  return std::string(releases::image_prefix) + image;
}

class NetbootChecker {
 public:
  NetbootChecker(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings)
      : layers_(inventory, cluster), findings_(findings) {}

  void check(const Node& node) {
    const Value* image = layers_.find(node, image_field);
    const Value* arguments = layers_.find(node, arguments_field);
    if (arguments != nullptr) check_arguments(*arguments, image != nullptr);
    if (image == nullptr || !is_set(node.role) || !is_control_plane(node.role.value)) return;
    findings_.refuse(
        node.role.place, "spec.role", "role node, since the machine netboots",
        in_ticks(name(node.role.value)),
        fmt::format(
            "{} names its image; a netbooted machine keeps nothing when it is switched off, and etcd needs a disk: start a control-plane machine from a disk image, without netboot.image",
            to_text(image->place)));
  }

  // A member has no name before it is in, and the image says nothing of who it is.
  void check(const NodePool& pool) {
    const Value* image = layers_.find(pool, image_field);
    if (image == nullptr || !told_.insert(pool.name.value).second) return;
    findings_.refuse(
        pool.name.place, "metadata.name", "a pool without netboot.image", in_ticks(pool.name.value),
        fmt::format(
            "{} names one; who netboots is known by its hardware (spec.match): list such machines as nodes",
            to_text(image->place)));
  }

 private:
  // Each list once, whoever has it.
  void check_arguments(const Value& list, bool netboots) {
    if (!netboots) {
      if (unused_.insert(to_text(list.place)).second)
        findings_.warn(
            list.place, std::string(arguments_field), "them of machines that netboot",
            "a machine without netboot.image",
            "of one that starts from its disk, the image has them (Image.spec.kernelArguments)");
      return;
    }
    if (!checked_.insert(to_text(list.place)).second) return;
    std::size_t length = 0;
    for (std::size_t index = 0; index < list.items.size(); ++index) {
      const Value& argument = list.items[index];
      length += argument.scalar.size() + 1;
      const std::string_view owner = owner_of_argument(argument.scalar);
      if (!owner.empty())
        findings_.refuse(argument.place, fmt::format("{}[{}]", arguments_field, index),
                         "an argument that is the operator's", in_ticks(argument.scalar),
                         std::string(owner));
    }
    if (length > longest_kernel_arguments)
      findings_.refuse(list.place, std::string(arguments_field),
                       fmt::format("at most {} bytes, since a command line has 2 KiB in all",
                                   longest_kernel_arguments),
                       fmt::format("{}", length),
                       "kernel.modules and kernel.sysctl set most of it after the start");
  }

  const Layering layers_;
  RuleFindings& findings_;
  std::set<std::string> told_, checked_, unused_;
};

}  // namespace

// What is decided elsewhere, or would leave the machine without its root.
std::string_view owner_of_argument(std::string_view argument) {
  if (argument.starts_with("muster.")) return "the server says where to ask and what to fetch";
  constexpr std::array operators{"&&", "||", ";", "#"};
  constexpr std::array decided{"root",   "rootfstype", "init",       "rdinit",
                               "initrd", "ip",         "BOOT_IMAGE", "BOOTIF"};
  const std::string_view name = argument.substr(0, argument.find('='));
  if (std::find(operators.begin(), operators.end(), argument) != operators.end())
    return "iPXE would end the command there";
  if (std::find(decided.begin(), decided.end(), name) != decided.end())
    return "the image's own initrd brings the root";
  return {};
}

std::string netboot_image(const Value& settings) {
  const Value* image = settings.find_path(image_field);
  return image == nullptr ? std::string() : release_of(image->scalar);
}

namespace {
bool has_same_layers(const Node& left, const Node& right) {
  const auto is_same = [](const auto& one, const auto& other) { return one.value == other.value; };
  return left.overrides_digest == right.overrides_digest &&
         std::equal(left.profiles.begin(), left.profiles.end(), right.profiles.begin(),
                    right.profiles.end(), is_same);
}
}  // namespace

std::map<std::string, Place> netboot_images(const Inventory& inventory, const Cluster& cluster) {
  const Layering layers(inventory, cluster);
  std::map<std::string, Place> images;
  const Node* last = nullptr;
  for (const Node* node : nodes_of(inventory, cluster.name.value)) {
    // Neighbours mostly do.
    if (last != nullptr && has_same_layers(*last, *node)) continue;
    last = node;
    if (const Value* image = layers.find(*node, image_field))
      images.emplace(release_of(image->scalar), image->place);
  }
  return images;
}

std::vector<const Node*> netbooted_nodes(const Inventory& inventory, const Cluster& cluster) {
  const Layering layers(inventory, cluster);
  std::vector<const Node*> nodes;
  for (const Node* node : nodes_of(inventory, cluster.name.value)) {
    if (layers.find(*node, image_field) != nullptr) nodes.push_back(node);
  }
  return nodes;
}

void check_netboot(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings) {
  NetbootChecker checker(inventory, cluster, findings);
  for (const Node* node : nodes_of(inventory, cluster.name.value)) checker.check(*node);
  for (const NodePool* pool : pools_of(inventory, cluster.name.value)) checker.check(*pool);
}

}  // namespace muster
