#include "publish/machine_change.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "document/release_names.hpp"
#include "inventory/difference.hpp"
#include "machine/desired_state_of.hpp"
#include "machine/unit_change.hpp"

namespace muster {
namespace {

bool lists(const NodeDocument& document, std::string_view release) {
  const auto& releases = document.config.releases;
  return std::any_of(releases.begin(), releases.end(),
                     [&](const auto& listed) { return listed.name == release; });
}

// Facts and peers are the same on both sides: what they are makes no difference.
Result<DesiredState> state_of(const NodeDocument& document) {
  return desired_state_of(document, {}, {}, {});
}

std::string image_of(const NodeDocument& document) {
  const auto& image = document.config.netboot;
  return image ? fmt::format("{} {}", image->name, image->version) : std::string("its disk");
}

std::string state_disk_text(const NodeDocument& document) {
  const auto& disk = document.config.state_disk;
  if (!disk) return "none";
  const std::string named = !disk->serial.empty() ? "serial " + disk->serial
                            : !disk->wwn.empty()  ? "WWN " + disk->wwn
                                                  : "path " + disk->path;
  return fmt::format("{}, create {}", named, disk->create);
}

// What a machine starts by is read once, at its start.
void add_boot_effects(const NodeDocument& old_document, const NodeDocument& new_document,
                      MachineChange& change) {
  const auto add = [&](std::string effect) {
    change.effects.push_back(std::move(effect));
    change.cost = ChangeCost::reboot;
  };
  const auto& before = old_document.config.kernel.arguments;
  const auto& after = new_document.config.kernel.arguments;
  if (before != after)
    add(fmt::format("kernel: at its next boot: arguments '{}' -> '{}'", fmt::join(before, " "),
                    fmt::join(after, " ")));
  if (const std::string was = image_of(old_document), now = image_of(new_document); was != now)
    add(fmt::format("image: at its next boot: {} -> {}", was, now));
  if (const std::string was = state_disk_text(old_document), now = state_disk_text(new_document);
      was != now)
    add(fmt::format("state disk: at its next boot: {} -> {}", was, now));
}

void add_effects(const NodeDocument& old_document, const NodeDocument& new_document,
                 MachineChange& change) {
  const auto before = state_of(old_document), after = state_of(new_document);
  if (!before || !after) {
    change.cost = ChangeCost::restart;
    change.effects.push_back("not known what restarts: " +
                             (before ? after.error().message : before.error().message));
    return;
  }
  for (const auto& unit : changes_between(*before, *after)) {
    change.effects.push_back(to_text(unit));
    if (unit.waits) change.cost = ChangeCost::restart;
  }
}

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
  return "restart";
}

std::string_view name(MachineChange::Kind kind) {
  switch (kind) {
    case MachineChange::Kind::added:
      return "added";
    case MachineChange::Kind::changed:
      return "changed";
    case MachineChange::Kind::unchanged:
      return "unchanged";
    case MachineChange::Kind::removed:
      return "removed";
  }
  return "unchanged";
}

void describe(const NodeDocument& old_document, const NodeDocument& new_document,
              MachineChange& change) {
  for (const auto& difference : diff_documents(old_document, new_document)) {
    change.differences.push_back(to_text(difference));
  }
  add_effects(old_document, new_document, change);
  add_boot_effects(old_document, new_document, change);
  if (lists(new_document, releases::kubernetes) && lists(old_document, releases::kubernetes_node)) {
    change.effects.push_back(fmt::format(
        "warning: goes back to the release {}, which is {} and {} in one: every machine downloads all of it; import these two in the wanted version to stay with them",
        releases::kubernetes, releases::kubernetes_node, releases::kubernetes_control_plane));
  }
}

std::string counts_text(const std::vector<MachineChange>& changes) {
  const auto count = [&](MachineChange::Kind kind) {
    return std::count_if(changes.begin(), changes.end(),
                         [=](const MachineChange& change) { return change.kind == kind; });
  };
  return fmt::format("{} added, {} changed, {} removed", count(MachineChange::Kind::added),
                     count(MachineChange::Kind::changed), count(MachineChange::Kind::removed));
}

// Nobody tells a machine that left the inventory to stop: that is its operator's to do.
std::string effect_of_removal(const std::string& node) {
  return fmt::format(
      "it is not drained (`muster node drain {} --wait` before does that); its identity ends, its certificates are refused and its Node is deleted, and what runs on it goes on until it is switched off or `muster-agent reset --yes` is run there",
      node);
}

}  // namespace muster
