#include "agent/duties/addon_turn.hpp"

#include <algorithm>

#include "agent/duties/addon_changes.hpp"
#include "agent/duties/addons.hpp"

namespace muster {
namespace {

struct Look {
  std::vector<ClusterObject> objects;
  std::optional<AddonRecord> record;  // nothing: never written, or deleted
};

std::optional<AddonRecord> find_record(const std::vector<ClusterObject>& objects) {
  const auto found = std::find_if(objects.begin(), objects.end(), [](const ClusterObject& object) {
    return object.id == record_id();
  });
  return found == objects.end() ? std::nullopt : parse_record(found->record);
}

Result<Look> look_at_addons(const Kubectl& kubectl) {
  std::set<std::string> kinds = common_kinds();
  auto objects = labelled_objects(kinds, kubectl);
  if (!objects) return pass(objects.error());
  Look look{std::move(*objects), {}};
  look.record = find_record(look.objects);
  if (!look.record || look.record->kinds.empty()) return look;
  kinds = look.record->kinds;
  auto others = labelled_objects(kinds, kubectl);
  if (!others) return pass(others.error());
  look.objects.insert(look.objects.end(), others->begin(), others->end());
  return look;
}

void fail_turn(AddonTurn& turn, const std::string& subject, const std::string& message) {
  turn.failed.push_back(message);
  turn.unwell.push_back({subject, message});
}

AppliedAddon next_applied(const AddonChange& change, const AppliedAddon& before, Clock& clock) {
  AppliedAddon applied = before;
  applied.specification.clear();
  if (change.lost.empty()) return applied;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(clock.now().time_since_epoch()).count();
  applied.put_back = is_quiet(before, now) ? 1 : before.put_back + 1;
  applied.put_back_at = now;
  return applied;
}

// False: the ones after it may need it.
bool put_in_effect(const AddonChange& change, AppliedAddon& applied, const Kubectl& kubectl,
                   Clock& clock, std::chrono::milliseconds& wait, AddonTurn& turn) {
  const std::string subject = fmt::format("addon '{}'", change.addon.name);
  const auto objects = apply_addon(change.addon, kubectl);
  if (!objects) {
    fail_turn(turn, subject, objects.error().message);
    return false;
  }
  applied = next_applied(change, applied, clock);
  applied.objects = *objects;
  if (!change.lost.empty())
    turn.done.push_back(fmt::format("{}: {}, put back", subject, change.lost));
  if (const auto rolled = await_addon(change.addon, kubectl, clock, wait); !rolled) {
    fail_turn(turn, subject, rolled.error().message);
    return false;
  }
  applied.specification = specification_of(change.addon);
  if (change.lost.empty()) turn.done.push_back(subject + " applied");
  return true;
}

void prune(const AddonRecord& record, const std::vector<ClusterObject>& objects,
           const Kubectl& kubectl, AddonTurn& turn) {
  Leftovers left = leftovers(record, objects);
  turn.unwell.insert(turn.unwell.end(), left.stay.begin(), left.stay.end());
  if (left.pruned.empty()) return;
  if (const auto deleted = delete_objects(left.pruned, kubectl); !deleted) {
    fail_turn(turn, "pruning of addons", "pruning: " + deleted.error().message);
    return;
  }
  for (const ClusterObject& object : left.pruned) {
    turn.done.push_back(fmt::format("addon '{}': {} pruned", object.addon, to_text(object.id)));
  }
}

void find_unlabelled(AddonRecord& record, bool is_new, const Kubectl& kubectl, AddonTurn& turn) {
  if (is_new) record.unlabelled.emplace();
  if (record.unlabelled) return;
  auto objects = unlabelled_objects(common_kinds(), kubectl);
  if (!objects) return fail_turn(turn, "objects without a label", objects.error().message);
  record.unlabelled = std::move(*objects);
}

// What nobody has labelled, deleted or kept since it was found.
void name_unlabelled(AddonRecord& record, const Kubectl& kubectl, AddonTurn& turn) {
  if (!record.unlabelled) return;
  record.unlabelled = of_no_addon(record, *record.unlabelled);
  if (record.unlabelled->empty()) return;
  const auto there = existing_objects(*record.unlabelled, kubectl);
  if (!there) return fail_turn(turn, "objects without a label", there.error().message);
  record.unlabelled->clear();
  for (const ClusterObject& object : *there) {
    if (!object.addon.empty() || object.is_kept || object.is_going) continue;
    record.unlabelled->push_back(object);
    turn.unwell.push_back(
        {to_text(object.id),
         fmt::format(
             "applied before Muster labelled what it applies, and no addon of the inventory has it: delete it with kubectl, have it pruned by the label {}=old, or keep it with the annotation {}=false",
             addon_label, prune_annotation)});
  }
}

// Kinds that the next look must ask for beside the common ones.
std::set<std::string> kinds_of(const AddonRecord& record, const std::vector<ClusterObject>& seen) {
  std::set<std::string> kinds;
  for (const auto& [name, addon] : record.addons) {
    for (const AppliedObject& object : addon.objects) kinds.insert(object.id.kind);
  }
  for (const ClusterObject& object : seen) kinds.insert(object.id.kind);
  for (const std::string& kind : common_kinds()) kinds.erase(kind);
  return kinds;
}

void write_record(const AddonRecord& record, const Look& look, const Kubectl& kubectl,
                  AddonTurn& turn) {
  const std::string object = record_object(record);
  if (look.record && record_object(*look.record) == object) return;
  const auto written =
      kubectl.run({"apply", "--server-side", "--force-conflicts",
                   std::string("--field-manager=") + field_manager, "--filename=-"},
                  object);
  if (!written)
    fail_turn(turn, "record of the addons", "the record of the addons: " + written.error().message);
}

}  // namespace

AddonTurn keep_addons(const NodeDocument& document, bool is_new, const Kubectl& kubectl,
                      Clock& clock, std::chrono::milliseconds wait) {
  AddonTurn turn;
  const auto look = look_at_addons(kubectl);
  if (!look) {
    fail_turn(turn, "addons", "looking at the addons: " + look.error().message);
    return turn;
  }
  const auto wanted = wanted_addons(document);
  AddonRecord record = look->record.value_or(AddonRecord());
  const AddonChanges changes = addon_changes(wanted, record, look->objects, clock.now());
  turn.unwell = changes.waits;
  turn.are_ready = std::all_of(changes.due.begin(), changes.due.end(), [&](const auto& change) {
    return put_in_effect(change, record.addons[change.addon.name], kubectl, clock, wait, turn);
  });
  std::erase_if(record.addons, [&](const auto& known) {
    return std::none_of(wanted.begin(), wanted.end(),
                        [&](const AddonSpec& addon) { return addon.name == known.first; });
  });
  if (turn.are_ready) {
    prune(record, look->objects, kubectl, turn);
    find_unlabelled(record, is_new && !look->record, kubectl, turn);
    name_unlabelled(record, kubectl, turn);
  }
  record.kinds = kinds_of(record, look->objects);
  turn.are_ready = turn.are_ready && changes.waits.empty();
  write_record(record, *look, kubectl, turn);
  return turn;
}

}  // namespace muster
