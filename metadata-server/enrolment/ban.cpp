#include "enrolment/ban.hpp"

#include "document/problem.hpp"
#include "enrolment/approval.hpp"
#include "enrolment/clone_detection.hpp"
#include "enrolment/pending.hpp"
#include "enrolment/way_back.hpp"
#include "records/audit.hpp"
#include "records/bans.hpp"
#include "records/due.hpp"
#include "records/pool_member.hpp"
#include "records/record_fields.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
struct Deed {
  std::string actor, action, detail;
};

// A member that nobody lists is known by its record, also while its place waits for another, and
// whoever left by the certificates that it may have still. Of a cluster whose inventory cannot be
// read, it is a machine that something was published for.
Result<void> check_known(const EnrolmentContext& context, const NodeName& node) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  const auto listed = context.inventory()->lists(node);
  if (listed && *listed) return {};
  for (const auto kind : {kinds::machine, kinds::member, kinds::document}) {
    const auto record = context.store.get(kind, key);
    if (record) return {};
    if (record.error().kind != ErrorKind::not_found) return pass(record.error());
  }
  if (!listed) return pass(listed.error());
  const auto cluster = find_cluster(context.store, node.cluster);
  if (cluster && cluster->record.departed.contains(node.node)) return {};
  return fail(
      ErrorKind::not_found,
      fmt::format("node '{}': not in the inventory; `muster node list` shows those there are",
                  key));
}

struct KnownKeys {
  std::vector<std::string> keys;
  bool is_begun_anew = false;  // its record could not be read: without its keys
  bool has_record = false;
};
// Every key that the machine asked with, guarded.
Result<KnownKeys> known_keys(const EnrolmentContext& context, const NodeName& node,
                             Transaction& transaction) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  KnownKeys known;
  const auto member = find_member(context.store, node.cluster, node.node);
  if (member && *member && !(*member)->record.key.empty())
    known.keys.push_back((*member)->record.key);
  const auto found = context.store.get(kinds::machine, key);
  if (!found && found.error().kind != ErrorKind::not_found) return pass(found.error());
  transaction.expect(kinds::machine, key, found ? found->version : 0);
  if (!found) return known;
  known.has_record = true;
  const auto record = parse_machine_record(found->value);
  if (record) {
    for (auto& key_of_it : keys_of(*record)) known.keys.push_back(std::move(key_of_it));
    return known;
  }
  MachineRecord anew;
  anew.cluster = node.cluster;
  anew.node = node.node;
  transaction.put(kinds::machine, key, to_json(anew));
  known.is_begun_anew = true;
  return known;
}

// Reads the record, lets `change` alter it (false: it is so already), writes it with its audit row.
// Whether anything changed.
template <class Change>
Result<bool> change_machine(const EnrolmentContext& context, const NodeName& node, const Deed& deed,
                            Change change) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  bool is_changed = false;
  const auto done = update(
      context.store, kinds::machine, key,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        if (auto known = value ? Result<void>() : check_known(context, node); !known) return known;
        MachineRecord record;
        record.cluster = node.cluster;
        record.node = node.node;
        if (value) {
          auto parsed = parse_machine_record(*value);
          if (!parsed) return pass(parsed.error());
          record = std::move(*parsed);
        }
        is_changed = change(record);
        if (!is_changed) return {};
        if (!value) {
          auto there = expect_cluster(context.store, node.cluster, transaction);
          if (!there) return there;
          // Known by what is expected, too.
          if (auto seen = inventory_of_now(context); !seen) return pass(seen.error());
          if (auto known = check_known(context, node); !known) return known;
        }
        transaction.put(kinds::machine, key, to_json(record));
        append_audit(transaction, context.now(), deed.actor, deed.action, key, deed.detail);
        return {};
      });
  if (!done) return pass(done.error());
  return is_changed;
}

Result<void> nothing_else(const Result<bool>& changed) {
  if (!changed) return pass(changed.error());
  return {};
}

// Whoever else held the name is out, and told so.
void keep_key(MachineRecord& record, const std::string& keep, std::int64_t now) {
  auto kept = record.current;
  if (record.claimant && record.claimant->key == keep) kept = record.claimant;
  end_keys(record);
  record.current = std::move(kept);
  record.enrolled_at = now;
}

void end_converge(MachineRecord& record) {
  record.converge_ordered = false;
  record.converge_ordered_at = 0;
}

}  // namespace

namespace {

// Whether one of them is not barred under this name yet.
Result<bool> has_news(const Store& store, const std::vector<std::string>& keys,
                      const std::string& name) {
  for (const auto& key : keys) {
    const auto banned = find_banned_key(store, key);
    if (!banned) return pass(banned.error());
    if (*banned != name) return true;
  }
  return false;
}

// `shown`: keys that the site's own certificates give it; none: who is banned has to be known here.
Result<bool> ban_name(const EnrolmentContext& context, const NodeName& node,
                      const std::vector<std::string>* shown, const std::string& reason,
                      const std::string& by) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  bool is_changed = false;
  const auto done = update(
      context.store, kinds::ban, key,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        const auto before = value ? parse_ban_record(*value) : Result<BanRecord>();
        // Again, and without a word: what was said of it stays.
        const bool is_news = !before || (!reason.empty() && before->reason != reason);
        auto known = known_keys(context, node, transaction);
        if (!known) return pass(known.error());
        if (!known->has_record && shown == nullptr) {
          if (auto is_known = check_known(context, node); !is_known) return is_known;
        }
        const auto is_key_new = shown ? has_news(context.store, *shown, key) : Result<bool>(false);
        if (!is_key_new) return pass(is_key_new.error());
        is_changed = !value || is_news || known->is_begun_anew || *is_key_new;
        if (!is_changed) return {};
        if (shown) known->keys.insert(known->keys.end(), shown->begin(), shown->end());
        if (auto there = expect_cluster(context.store, node.cluster, transaction); !there)
          return there;
        BanRecord record{reason, by, unix_seconds(context.now())};
        if (value && before) record.since = before->since;
        if (value && before && reason.empty()) record.reason = before->reason;
        put_ban(node.cluster, node.node, record, known->keys, transaction);
        append_audit(transaction, context.now(), by, "banned", key, reason);
        return mark_due(context.store, node.cluster, "ban of " + node.node, by, context.now(),
                        transaction);
      });
  if (!done) return pass(done.error());
  return is_changed;
}

}  // namespace

Result<bool> ban(const EnrolmentContext& context, const NodeName& node, const std::string& reason,
                 const std::string& by) {
  return ban_name(context, node, nullptr, reason, by);
}

Result<bool> ban_by_signature(const EnrolmentContext& context, const NodeName& node,
                              const std::vector<std::string>& keys, const std::string& reason,
                              const std::string& by) {
  return ban_name(context, node, &keys, reason, by);
}

Result<bool> unban(const EnrolmentContext& context, const NodeName& node, const std::string& by) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  bool is_changed = false;
  const auto done = update(
      context.store, kinds::ban, key,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        const auto removed = remove_ban(context.store, node.cluster, node.node, transaction);
        if (!removed) return pass(removed.error());
        is_changed = *removed;
        if (!is_changed) return check_known(context, node);
        append_audit(transaction, context.now(), by, "unbanned", key, "");
        // Without a ban of its name nobody refuses it by a document, and its cluster may be gone.
        if (!value) return {};
        return mark_due(context.store, node.cluster, node.node + " banned no more", by,
                        context.now(), transaction);
      });
  if (!done) return pass(done.error());
  return is_changed;
}

Result<void> freeze(const EnrolmentContext& context, const NodeName& node,
                    const std::string& reason, const std::string& by) {
  return nothing_else(
      change_machine(context, node, {by, "frozen", reason}, [&](MachineRecord& record) {
        if (record.frozen) return false;
        record.frozen = true;
        record.freeze_reason = reason;
        return true;
      }));
}

namespace {

// fingerprint_other: it is neither the machine's nor that of one that waits.
Result<void> check_waits(const EnrolmentContext& context, const MachineRecord& record,
                         const std::string& keep) {
  const auto pending = find_pending(context, keep);
  if (!pending) return pass(pending.error());
  if (pending->version != 0) return {};
  return fail(
      ErrorKind::invalid, "fingerprint_other",
      fmt::format(
          "node '{}/{}': expected --keep with the fingerprint of its identity key ({}{}) or of a pending machine, found {}",
          record.cluster, record.node, record.current ? record.current->key : "it has none",
          record.claimant ? " or " + record.claimant->key : "", in_ticks(keep)));
}

// The freeze ends with what decides who has the name: who dies on the way leaves it.
Result<void> add_unfreeze(const EnrolmentContext& context, FoundMachine machine,
                          const std::string& keep, const std::string& by,
                          Transaction& transaction) {
  MachineRecord& record = machine.record;
  const bool is_claimant = record.claimant && record.claimant->key == keep;
  const bool is_present_key = is_claimant || (record.current && record.current->key == keep);
  auto waits = is_present_key ? Result<void>() : check_waits(context, record, keep);
  if (!waits) return waits;
  record.frozen = false;
  record.freeze_reason.clear();
  record.boots.clear();  // the next report says which machine it is
  if (is_present_key) keep_key(record, keep, unix_seconds(context.now()));
  record.replace_ordered = !is_present_key;
  record.replace_ordered_at = is_present_key ? 0 : unix_seconds(context.now());
  record.replace_key = is_present_key ? "" : keep;
  const std::string key = kinds::pair_key(record.cluster, record.node);
  transaction.put(kinds::machine, key, to_json(record));
  append_audit(transaction, context.now(), by, "unfrozen", key, fmt::format("keeps {}", keep));
  if (is_present_key) return {};
  const auto approved =
      add_approval(context, {record.cluster, record.node, keep}, by, &machine, transaction);
  if (!approved) return pass(approved.error());
  return {};
}

}  // namespace

Result<bool> unfreeze(const EnrolmentContext& context, const NodeName& node,
                      const std::string& keep, const std::string& by) {
  bool is_changed = false;
  const auto done = update(
      context.store, kinds::machine, kinds::pair_key(node.cluster, node.node),
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        is_changed = false;
        if (!value) return check_known(context, node);
        auto machine = find_machine(context.store, node);
        if (!machine) return pass(machine.error());
        is_changed = machine->record.frozen;
        if (!is_changed) return {};
        return add_unfreeze(context, std::move(*machine), keep, by, transaction);
      });
  if (!done) return pass(done.error());
  return is_changed;
}

Result<void> order_replacement(const EnrolmentContext& context, const NodeName& node,
                               const std::string& by) {
  return nothing_else(
      change_machine(context, node, {by, "replacement-ordered", ""}, [&](MachineRecord& record) {
        if (record.replace_ordered && record.replace_key.empty()) return false;
        record.replace_ordered = true;
        record.replace_ordered_at = unix_seconds(context.now());
        record.replace_key.clear();
        return true;
      }));
}

Result<void> cancel_replacement(const EnrolmentContext& context, const NodeName& node,
                                const std::string& by) {
  bool was_ordered = false;
  auto done =
      change_machine(context, node, {by, "replacement-cancelled", ""}, [&](MachineRecord& record) {
        was_ordered = record.replace_ordered;
        record.replace_ordered = false;
        record.replace_ordered_at = 0;
        record.replace_key.clear();
        return was_ordered;
      });
  if (!done || was_ordered) return nothing_else(done);
  return fail(
      ErrorKind::not_found, "not_found",
      fmt::format(
          "node '{0}/{1}': expected an ordered replacement to cancel, found none; if another key has the name already, `muster audit --node {0}/{1}` says since when",
          node.cluster, node.node));
}

Result<void> order_converge(const EnrolmentContext& context, const NodeName& node,
                            const std::string& by) {
  return nothing_else(
      change_machine(context, node, {by, "converge-ordered", ""}, [&](MachineRecord& record) {
        if (record.converge_ordered) return false;
        record.converge_ordered = true;
        record.converge_ordered_at = unix_seconds(context.now());
        return true;
      }));
}

Result<void> cancel_converge(const EnrolmentContext& context, const NodeName& node,
                             const std::string& by) {
  bool was_ordered = false;
  auto done =
      change_machine(context, node, {by, "converge-cancelled", ""}, [&](MachineRecord& record) {
        was_ordered = record.converge_ordered;
        end_converge(record);
        return was_ordered;
      });
  if (!done || was_ordered) return nothing_else(done);
  return fail(
      ErrorKind::not_found, "not_found",
      fmt::format(
          "node '{}/{}': expected an ordered converge to cancel, found none; it may have heard of it already",
          node.cluster, node.node));
}

Result<void> end_converge_as_turn(const EnrolmentContext& context, const NodeName& node) {
  return nothing_else(
      change_machine(context, node, {"server", "converge-is-turn", ""}, [](MachineRecord& record) {
        const bool was_ordered = record.converge_ordered;
        end_converge(record);
        return was_ordered;
      }));
}

Result<ReportNote> note_report(const EnrolmentContext& context, const Caller& machine,
                               const Report& report,
                               const std::function<void(Transaction&)>& also) {
  ReportNote note;
  const std::string key = kinds::pair_key(machine.node.cluster, machine.node.node);
  auto done = update(
      context.store, kinds::machine, key,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        note = {};
        if (!value) {
          return fail(
              ErrorKind::not_found,
              fmt::format(
                  "machine '{}': its identity was removed while it reported; to let the machine in: {}",
                  key, enrols_anew));
        }
        auto record = parse_machine_record(*value);
        if (!record) return pass(record.error());
        // Who was replaced since it was identified does not speak for its successor.
        if (auto holds = check_key_holds_name(context, *record, machine.key); !holds) return holds;
        const auto reason = observe_report(*record, report);
        const bool is_said = report.heard_order && record->converge_ordered_at != 0;
        const bool is_heard = is_said && *report.heard_order == record->converge_ordered_at;
        note.converge = record->converge_ordered && !is_heard;
        note.order = note.converge ? record->converge_ordered_at : 0;
        // The answer that tells of it may be lost.
        if (is_heard || !is_said) end_converge(*record);
        if (reason && !record->frozen) {
          note.froze = true;
          record->frozen = true;
          record->freeze_reason = *reason;
          append_audit(transaction, context.now(), "server", "frozen", key, *reason);
        }
        transaction.put(kinds::machine, key, to_json(*record));
        if (also) also(transaction);
        return {};
      });
  if (!done) return pass(done.error());
  return note;
}

}  // namespace muster
