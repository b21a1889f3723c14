#include "agent/duties/addon_changes.hpp"

#include <algorithm>
#include <map>

#include "agent/duties/cluster_roles.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr int put_back_at_once = 3;
constexpr std::int64_t first_pause = 60, longest_pause = 3600, forgotten_after = 7200;  // seconds

std::int64_t seconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// When what an addon lost may be put back again.
std::int64_t due_at(const AppliedAddon& applied, std::int64_t now) {
  if (applied.put_back < put_back_at_once || is_quiet(applied, now)) return 0;
  const int doublings = std::min(applied.put_back - put_back_at_once, 10);
  return applied.put_back_at + std::min(first_pause << doublings, longest_pause);
}

// The addon that has an object last decides about it: one may stand in several, such as a
// Namespace.
std::map<ObjectId, std::string> owners(const std::vector<AddonSpec>& addons,
                                       const AddonRecord& record) {
  std::map<ObjectId, std::string> owner;
  for (const AddonSpec& addon : addons) {
    const auto applied = record.addons.find(addon.name);
    if (applied == record.addons.end()) continue;
    for (const AppliedObject& object : applied->second.objects) owner[object.id] = addon.name;
  }
  return owner;
}

std::string what_happened(const AppliedObject& applied, const ClusterObject* found) {
  // A Job that has run may be cleared away (ttlSecondsAfterFinished), and must not run again.
  if (found == nullptr && applied.id.kind == "Job.batch") return {};
  if (found == nullptr) return to_text(applied.id) + " is gone";
  if (found->is_going || found->fields == applied.fields ||
      found->unscaled_fields == applied.fields) {
    return {};
  }
  if (found->changed_by.empty()) return to_text(applied.id) + " was changed";
  return fmt::format("{} was changed by {}", to_text(applied.id), found->changed_by);
}

// Removing one of these takes along what others put into it.
bool needs_consent(const ObjectId& id) {
  return id.kind == "Namespace" || id.kind == "PersistentVolume" ||
         id.kind == "PersistentVolumeClaim" ||
         id.kind == "CustomResourceDefinition.apiextensions.k8s.io";
}

// What runs goes first, then what it needs to end in order, then what holds others.
int prune_rank(const ObjectId& id) {
  if (needs_consent(id)) return 2;
  return id.kind == "ServiceAccount" || id.kind.find(".rbac.") != std::string::npos ? 1 : 0;
}

std::set<ObjectId> applied_ids(const AddonRecord& record) {
  std::set<ObjectId> ids{record_id()};
  for (const auto& [name, addon] : record.addons) {
    for (const AppliedObject& object : addon.objects) ids.insert(object.id);
  }
  return ids;
}

}  // namespace

std::vector<AddonSpec> wanted_addons(const NodeDocument& document) {
  std::vector<AddonSpec> addons{{roles_addon, cluster_roles(), {}}};
  const auto& own = document.config.addons;
  addons.insert(addons.end(), own.begin(), own.end());
  return addons;
}

std::string specification_of(const AddonSpec& addon) {
  return sha256_digest(
      fmt::format("{}\n{}\n{}\n", addon.name, addon.manifest, fmt::join(addon.waits_for, " ")));
}

bool is_quiet(const AppliedAddon& applied, std::int64_t now) {
  return now - applied.put_back_at > forgotten_after;
}

AddonChanges addon_changes(const std::vector<AddonSpec>& addons, const AddonRecord& record,
                           const std::vector<ClusterObject>& objects,
                           std::chrono::system_clock::time_point now) {
  std::map<ObjectId, const ClusterObject*> found;
  for (const ClusterObject& object : objects) found[object.id] = &object;
  const auto owner = owners(addons, record);
  std::set<ObjectId> touched;  // by an addon that is due
  AddonChanges changes;
  for (const AddonSpec& addon : addons) {
    const auto known = record.addons.find(addon.name);
    const AppliedAddon applied = known == record.addons.end() ? AppliedAddon() : known->second;
    std::vector<std::string> lost;
    bool is_due = applied.specification != specification_of(addon);
    for (const AppliedObject& object : applied.objects) {
      is_due = is_due || touched.count(object.id) > 0;
      if (owner.at(object.id) != addon.name) continue;
      const auto at = found.find(object.id);
      const std::string line = what_happened(object, at == found.end() ? nullptr : at->second);
      if (!line.empty()) lost.push_back(line);
    }
    const std::string text = is_due ? std::string() : fmt::format("{}", fmt::join(lost, ", "));
    const std::int64_t at = due_at(applied, seconds_of(now));
    if (!text.empty() && at > seconds_of(now)) {
      changes.waits.push_back(
          {fmt::format("addon '{}'", addon.name),
           fmt::format("{}; put back {} times, again in {} s: find out who does it", text,
                       applied.put_back, at - seconds_of(now))});
      continue;
    }
    if (!is_due && text.empty()) continue;
    changes.due.push_back({addon, text});
    for (const AppliedObject& object : applied.objects) touched.insert(object.id);
  }
  return changes;
}

Leftovers leftovers(const AddonRecord& record, const std::vector<ClusterObject>& objects) {
  const std::set<ObjectId> wanted = applied_ids(record);
  Leftovers left;
  for (const ClusterObject& object : objects) {
    // Copies of an object, and what controllers derive from it, may bear its label too.
    const bool is_ours = !object.addon.empty() && !object.fields.empty();
    if (!is_ours || object.is_going || object.is_kept || wanted.count(object.id) > 0) continue;
    if (!needs_consent(object.id) || object.has_consent) {
      left.pruned.push_back(object);
      continue;
    }
    const std::string what = to_text(object.id);
    left.stay.push_back(
        {what,
         fmt::format(
             "addon '{}' of the inventory has it no more, and it stays with all that is in it, for want of the annotation {}: \"true\" in the addon's manifest; delete it with kubectl, or keep it with the annotation {}=false",
             object.addon, prune_annotation, prune_annotation)});
  }
  std::stable_sort(left.pruned.begin(), left.pruned.end(), [](const auto& one, const auto& other) {
    return prune_rank(one.id) < prune_rank(other.id);
  });
  return left;
}

std::vector<ClusterObject> of_no_addon(const AddonRecord& record,
                                       const std::vector<ClusterObject>& objects) {
  const std::set<ObjectId> wanted = applied_ids(record);
  std::vector<ClusterObject> others;
  for (const ClusterObject& object : objects) {
    if (wanted.count(object.id) == 0) others.push_back(object);
  }
  return others;
}

}  // namespace muster
