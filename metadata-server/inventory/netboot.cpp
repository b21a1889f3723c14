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
constexpr std::array<std::string_view, 3> disk_marks{"stateDisk.serial", "stateDisk.wwn",
                                                     "stateDisk.path"};
constexpr std::string_view creation_field = "stateDisk.create";

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
    const bool has_disk = check_state_disk(node, image != nullptr);
    if (image == nullptr || has_disk || !is_set(node.role) || !is_control_plane(node.role.value))
      return;
    findings_.refuse(
        node.role.place, "spec.role", "role node, since the machine netboots without a state disk",
        in_ticks(name(node.role.value)),
        fmt::format(
            "{} names its image; such a machine keeps nothing when it is switched off, and etcd needs a disk: name the machine's (stateDisk), or start it from a disk image, without netboot.image",
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
  // True: it has one, or was told already what is wrong with it.
  bool check_state_disk(const Node& node, bool netboots) {
    std::vector<const Value*> marks;
    for (const std::string_view field : disk_marks) {
      if (const Value* mark = layers_.find(node, field)) marks.push_back(mark);
    }
    const Value* creation = layers_.find(node, creation_field);
    if (marks.empty() && creation == nullptr) return false;
    const Value& first = marks.empty() ? *creation : *marks.front();
    if (!netboots) {
      if (unused_.insert(to_text(first.place)).second)
        findings_.warn(first.place, "stateDisk", "it of a machine that netboots",
                       "a machine without netboot.image",
                       "one that starts from its disk keeps its state there");
      return true;
    }
    if (marks.size() != 1) {
      findings_.refuse(node.name.place, "stateDisk", "one of serial, wwn and path",
                       marks.empty() ? "none" : fmt::format("{} of them", marks.size()),
                       marks.empty()
                           ? fmt::format("{} says what may be created, and nothing says where",
                                         to_text(creation->place))
                           : fmt::format("{} and {}; profiles count too", to_text(marks[0]->place),
                                         to_text(marks[1]->place)));
      return true;
    }
    check_own_disk(node, first);
    return true;
  }

  // A disk is in one machine; a place is in each.
  void check_own_disk(const Node& node, const Value& mark) {
    if (layers_.find(node, disk_marks.back()) != nullptr) return;
    const auto [first, is_new] = owners_.emplace(mark.scalar, node.name.value);
    if (is_new) return;
    findings_.refuse(mark.place, "stateDisk", "a disk of one machine",
                     fmt::format("'{}' of {} and {}", mark.scalar, first->second, node.name.value),
                     "machines of one kind have it at one place: stateDisk.path");
  }

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
  std::map<std::string, std::string> owners_;  // a disk's serial or WWN -> the first node with it
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

std::optional<StateDisk> state_disk_of(const Value& settings) {
  const auto text = [&](std::string_view field) {
    const Value* value = settings.find_path(field);
    return value == nullptr ? std::string() : value->scalar;
  };
  StateDisk disk{text(disk_marks[0]), text(disk_marks[1]), text(disk_marks[2])};
  if (disk.serial.empty() && disk.wwn.empty() && disk.path.empty()) return std::nullopt;
  if (std::string creation = text(creation_field); !creation.empty())
    disk.create = std::move(creation);
  return disk;
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

std::vector<NetbootedNode> netbooted_nodes(const Inventory& inventory, const Cluster& cluster) {
  const Layering layers(inventory, cluster);
  std::vector<NetbootedNode> nodes;
  for (const Node* node : nodes_of(inventory, cluster.name.value)) {
    if (layers.find(*node, image_field) == nullptr) continue;
    const bool has_disk =
        std::any_of(disk_marks.begin(), disk_marks.end(),
                    [&](std::string_view field) { return layers.find(*node, field) != nullptr; });
    nodes.push_back({node, has_disk});
  }
  return nodes;
}

void check_netboot(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings) {
  NetbootChecker checker(inventory, cluster, findings);
  for (const Node* node : nodes_of(inventory, cluster.name.value)) checker.check(*node);
  for (const NodePool* pool : pools_of(inventory, cluster.name.value)) checker.check(*pool);
}

}  // namespace muster
