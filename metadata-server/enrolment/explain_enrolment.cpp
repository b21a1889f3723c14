#include "enrolment/explain_enrolment.hpp"

#include <algorithm>

#include "document/problem.hpp"
#include "document/strict_json.hpp"
#include "enrolment/backup_wait.hpp"
#include "enrolment/instance_use.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/way_back.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// The machines that are meant by `name`, each once.
Result<std::vector<NodeName>> find_names(const EnrolmentContext& context, const std::string& name,
                                         const std::vector<std::string>& clusters) {
  const auto pair = kinds::parse_pair_key(name);
  const std::string node = pair ? pair->second : name;
  std::vector<NodeName> found;
  const auto add = [&](NodeName named) {
    if (pair && named.cluster != pair->first) return;
    if (std::find(found.begin(), found.end(), named) == found.end())
      found.push_back(std::move(named));
  };
  for (NodeName& named : context.inventory()->find(node)) add(std::move(named));
  for (const std::string& cluster : clusters) {
    const auto member = find_member(context.store, cluster, node);
    if (!member) return pass(member.error());
    const auto ban = find_ban(context.store, cluster, node);
    if (!ban) return pass(ban.error());
    const auto record = find_cluster(context.store, cluster);
    // In quarantine, that is all that says who is listed.
    const auto served = context.store.get(kinds::document, kinds::pair_key(cluster, node));
    if (*member || *ban || served || (record && record->record.departed.contains(node)))
      add({cluster, node});
  }
  const auto there = find_member_at(context.store, name);
  if (!there) return pass(there.error());
  if (*there) add({(*there)->record.cluster, (*there)->record.node});
  const auto use = find_instance_use(context.store, name);
  if (!use) return pass(use.error());
  if (use->version != 0 && !use->use.cluster.empty()) add({use->use.cluster, use->use.node});
  const auto banned = find_banned_key(context.store, name);
  if (!banned) return pass(banned.error());
  const auto as = *banned ? kinds::parse_pair_key(**banned) : std::nullopt;
  if (as) add({as->first, as->second});
  return found;
}

std::string state_of(const EnrolmentContext& context, const MachineRecord& machine,
                     const std::optional<FoundMember>& member) {
  if (member && member->record.removed_at != 0) return "removed";
  if (machine.frozen) return "frozen";
  if (has_live_identity(machine, earliest_now(context), context.limits.recovery_window))
    return "enrolled";
  return member ? "admitted" : "not enrolled";
}

// By what is in effect, not by what this machine was once told.
Result<std::vector<std::string>> what_holds_up(const EnrolmentContext& context,
                                               const Quarantine* quarantine,
                                               const std::string& cluster, bool is_in) {
  std::vector<std::string> reasons;
  const auto open = check_not_sealed(context.store, cluster);
  if (!open && open.error().code != sealed_code) return pass(open.error());
  if (!open) reasons.push_back(open.error().message);
  const auto sound = quarantine == nullptr ? Result<void>() : quarantine->check_free(cluster);
  if (!sound) reasons.push_back(sound.error().message);
  if (is_in) return reasons;
  const auto waits = awaits_backup(context, cluster);
  if (!waits) return pass(waits.error());
  if (*waits) reasons.push_back(awaits_backup_text(cluster));
  return reasons;
}

// `is_key_banned`: that of which it is asked.
Result<ExplainedMachine> explain_machine(const EnrolmentContext& context, const NodeName& name,
                                         bool is_key_banned, const Quarantine* quarantine) {
  const auto machine = find_machine(context.store, name);
  if (!machine) return pass(machine.error());
  const auto member = find_member(context.store, name.cluster, name.node);
  if (!member) return pass(member.error());
  ExplainedMachine explained;
  explained.name = name;
  if (is_key_banned) explained.ban.emplace();
  explained.state = state_of(context, machine->record, *member);
  if (!context.inventory()->role_of(name) && !*member) {
    const auto cluster = find_cluster(context.store, name.cluster);
    if (!cluster) return pass(cluster.error());
    const auto& departed = cluster->record.departed;
    if (const auto found = departed.find(name.node); found != departed.end()) {
      explained.state = "removed";
      explained.departed_until = found->second;
    }
  }
  if (machine->ban) explained.ban = *machine->ban;
  if (explained.ban) explained.state = "banned";
  explained.enrolled_at = machine->record.enrolled_at;
  if (*member) {
    explained.address = (*member)->record.address;
    explained.key = (*member)->record.key;
  }
  if (machine->record.current) explained.key = machine->record.current->key;
  if (explained.state == "enrolled") {
    auto back = way_back(context, name);
    if (!back) return pass(back.error());
    explained.way_back = std::move(*back);
  }
  const bool is_out = explained.state == "removed" || explained.state == "banned";
  if (is_out) return explained;
  auto reasons = what_holds_up(context, quarantine, name.cluster, explained.state == "enrolled");
  if (!reasons) return pass(reasons.error());
  explained.held_up = std::move(*reasons);
  return explained;
}

bool is_about(const PendingMachine& machine, const std::string& name) {
  return !name.empty() &&
         (machine.source == name || machine.fingerprint == name || machine.hints.hostname == name ||
          machine.proposed.node == name ||
          kinds::pair_key(machine.proposed.cluster, machine.proposed.node) == name);
}

nlohmann::json ban_value(const std::optional<BanRecord>& ban) {
  if (!ban) return nullptr;
  return {{"reason", ban->reason}, {"by", ban->by}, {"since", ban->since}};
}

nlohmann::json to_value(const RefusalNote& note) {
  return {{"source", note.source},     {"fingerprint", note.key}, {"hostname", note.hostname},
          {"token", note.token},       {"asked", note.asked},     {"node", note.node},
          {"instance", note.instance}, {"code", note.code},       {"message", note.message},
          {"count", note.count},       {"since", note.first},     {"last", note.last}};
}

}  // namespace

Result<EnrolmentExplanation> explain_enrolment(const EnrolmentContext& context,
                                               const std::string& name,
                                               const std::vector<std::string>& clusters,
                                               const Quarantine* quarantine) {
  EnrolmentExplanation explanation;
  explanation.name = name;
  explanation.refusals = context.refusals.find(name);
  const auto pending = list_pending(context);
  if (!pending) return pass(pending.error());
  std::copy_if(pending->begin(), pending->end(), std::back_inserter(explanation.waiting),
               [&](const PendingMachine& machine) { return is_about(machine, name); });
  const auto names = find_names(context, name, clusters);
  if (!names) return pass(names.error());
  const auto banned = find_banned_key(context.store, name);
  if (!banned) return pass(banned.error());
  for (const NodeName& named : *names) {
    const bool is_key_banned = *banned == kinds::pair_key(named.cluster, named.node);
    auto machine = explain_machine(context, named, is_key_banned, quarantine);
    if (!machine) return pass(machine.error());
    explanation.machines.push_back(std::move(*machine));
  }
  const bool is_known = !explanation.refusals.empty() || !explanation.waiting.empty() ||
                        !explanation.machines.empty();
  if (is_known) return explanation;
  return fail(
      ErrorKind::not_found, "not_found",
      fmt::format(
          "{}: nothing is known: the server refused nobody of that name since it started, nobody waits, no machine has it; look there with `journalctl -u muster-agent`",
          in_ticks(name)));
}

std::string to_json(const EnrolmentExplanation& explanation) {
  nlohmann::json refusals = nlohmann::json::array(), waiting = nlohmann::json::array(),
                 machines = nlohmann::json::array();
  for (const RefusalNote& note : explanation.refusals) refusals.push_back(to_value(note));
  for (const PendingMachine& machine : explanation.waiting)
    waiting.push_back({{"fingerprint", machine.fingerprint},
                       {"source", machine.source},
                       {"hostname", machine.hints.hostname},
                       {"since", machine.first_seen}});
  for (const ExplainedMachine& machine : explanation.machines)
    machines.push_back({{"cluster", machine.name.cluster},
                        {"node", machine.name.node},
                        {"state", machine.state},
                        {"address", machine.address},
                        {"fingerprint", machine.key},
                        {"enrolledAt", machine.enrolled_at},
                        {"ban", ban_value(machine.ban)},
                        {"departedUntil", machine.departed_until},
                        {"wayBack", machine.way_back},
                        {"heldUp", machine.held_up}});
  return canonical_text({{"name", explanation.name},
                         {"refusals", refusals},
                         {"waiting", waiting},
                         {"machines", machines}});
}

}  // namespace muster
