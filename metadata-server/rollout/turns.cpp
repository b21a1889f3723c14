#include "rollout/turns.hpp"

#include <algorithm>

#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

bool holds(const TurnRecord& record, const std::string& node) {
  return record.grant && record.grant->order.node == node;
}

std::string holder_of(const TurnRecord& record) {
  return record.grant ? record.grant->order.node : std::string();
}

// Reads the record, lets `change` alter it, decides, writes what differs with its audit rows.
template <class Change>
Result<TurnDecision> change_turns(Store& store, const std::string& cluster,
                                  const std::vector<MasterState>& masters, TimePoint now,
                                  Change change) {
  TurnDecision decision;
  auto updated = update(
      store, kinds::turn, cluster,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        auto record = value ? parse_turn_record(*value) : Result<TurnRecord>(TurnRecord{});
        if (!record) return pass(record.error());
        const std::string before = to_json(*record), held_by = holder_of(*record);
        if (auto changed = change(*record, transaction); !changed) return changed;
        decision = decide_turns(std::move(*record), masters, unix_seconds(now));
        const auto note = [&](const std::string& node, std::string_view what) {
          if (!node.empty()) {
            append_audit(transaction, now, "server", what, kinds::pair_key(cluster, node));
          }
        };
        const std::string holder = holder_of(decision.record);
        if (holder != held_by) {
          note(held_by, "turn-ended");
          note(holder, "turn-granted");
        }
        const std::string after = to_json(decision.record);
        const bool is_empty = !decision.record.grant && decision.record.waiting.empty();
        if (is_empty && value) {
          transaction.remove(kinds::turn, cluster);
        } else if (!is_empty && after != before) {
          auto there = value ? Result<void>() : expect_cluster(store, cluster, transaction);
          if (!there) return there;
          transaction.put(kinds::turn, cluster, after);
        }
        return {};
      });
  if (!updated) return while_doing(updated.error(), fmt::format("turns of '{}'", cluster));
  return decision;
}

std::string waits_for(const TurnDecision& decision, const std::string& node) {
  const auto found = decision.waits_for.find(node);
  return found == decision.waits_for.end() ? std::string() : found->second;
}

}  // namespace

Result<TurnRecord> find_turns(const Store& store, const std::string& cluster) {
  const auto record = store.get(kinds::turn, cluster);
  if (record) return parse_turn_record(record->value);
  if (record.error().kind == ErrorKind::not_found) return TurnRecord{};
  return pass(record.error());
}

Result<std::string> order_turn(Store& store, const std::string& cluster, const TurnOrder& order,
                               const std::vector<MasterState>& masters, TimePoint now) {
  auto decision =
      change_turns(store, cluster, masters, now,
                   [&](TurnRecord& record, Transaction& transaction) -> Result<void> {
                     const bool waits = std::any_of(
                         record.waiting.begin(), record.waiting.end(),
                         [&](const auto& waiting) { return waiting.node == order.node; });
                     if (waits) return {};
                     append_audit(transaction, now, order.by, "converge-ordered",
                                  kinds::pair_key(cluster, order.node));
                     if (holds(record, order.node)) {
                       record.grant->is_told = false;
                       record.grant->order.ordered_at = order.ordered_at;
                     } else {
                       record.waiting.push_back(order);
                     }
                     return {};
                   });
  if (!decision) return pass(decision.error());
  return waits_for(*decision, order.node);
}

Result<bool> tell_turn(Store& store, const std::string& cluster, const std::string& node,
                       const std::vector<MasterState>& masters, TimePoint now) {
  bool is_told = false;
  // Decided first: what the machine hears is what is in the store by then.
  const auto decided = change_turns(store, cluster, masters, now,
                                    [](TurnRecord&, Transaction&) -> Result<void> { return {}; });
  if (!decided) return pass(decided.error());
  if (!holds(decided->record, node)) return false;
  const auto told = change_turns(store, cluster, masters, now,
                                 [&](TurnRecord& record, Transaction&) -> Result<void> {
                                   is_told = false;
                                   if (!holds(record, node)) return {};
                                   for (const auto& master : masters) {
                                     if (master.node == node && master.report)
                                       is_told = must_be_told(*record.grant, *master.report);
                                   }
                                   if (is_told) record.grant->is_told = true;
                                   return {};
                                 });
  if (!told) return pass(told.error());
  return is_told && holds(told->record, node);
}

Result<void> cancel_turn(Store& store, const std::string& cluster, const std::string& node,
                         const std::string& by, const std::vector<MasterState>& masters,
                         TimePoint now) {
  const auto cancelled = change_turns(
      store, cluster, masters, now,
      [&](TurnRecord& record, Transaction& transaction) -> Result<void> {
        const bool held = holds(record, node);
        const auto waited = std::erase_if(
            record.waiting, [&](const auto& waiting) { return waiting.node == node; });
        if (!held && waited == 0) {
          return fail(
              ErrorKind::not_found,
              fmt::format(
                  "node '{}/{}': expected an ordered converge to cancel, found none; `muster node list` shows who has the turn and who waits",
                  cluster, node));
        }
        if (held) record.grant.reset();
        append_audit(transaction, now, by, "converge-cancelled", kinds::pair_key(cluster, node));
        return {};
      });
  if (!cancelled) return pass(cancelled.error());
  return {};
}

Result<bool> discard_unread_turns(Store& store, const std::string& cluster, const std::string& by,
                                  TimePoint now) {
  const auto record = store.get(kinds::turn, cluster);
  if (!record && record.error().kind == ErrorKind::not_found) return false;
  if (!record) return pass(record.error());
  if (parse_turn_record(record->value)) return false;
  Transaction transaction;
  transaction.expect(kinds::turn, cluster, record->version).remove(kinds::turn, cluster);
  append_audit(transaction, now, by, "turns-discarded", cluster, "their record could not be read");
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  return true;
}

}  // namespace muster
