#include "records/drain.hpp"

#include <algorithm>
#include <chrono>

#include "pki/unix_seconds.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/pool_member.hpp"
#include "records/record_fields.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr auto drain_fields = [](auto& fields, auto& record) {
  fields.text("cluster", record.cluster);
  fields.text("node", record.node);
  fields.flag("remove", record.remove);
  fields.flag("givenUp", record.given_up);
  fields.number("orderedAt", record.ordered_at);
  fields.number("until", record.until);
  fields.number("since", record.since);
  fields.text("by", record.by);
  fields.text("undrained", record.undrained, Presence::if_set);
};

Result<FoundDrain> parse(const Record& record) {
  auto parsed = parse_drain_record(record.value);
  if (!parsed) return while_doing(parsed.error(), fmt::format("drain '{}'", record.key));
  return FoundDrain{std::move(*parsed), record.version};
}

// An order of a machine that leaves meanwhile would be one of the next machine of that name.
Result<void> expect_machine(const Store& store, const DrainOrder& order, Transaction& transaction) {
  if (auto there = expect_cluster(store, order.cluster, transaction); !there) return there;
  const auto member = find_member(store, order.cluster, order.node);
  if (!member) return pass(member.error());
  const std::string key = kinds::pair_key(order.cluster, order.node);
  if (*member && (*member)->record.removed_at != 0) {
    return fail(
        ErrorKind::not_found, "not_found",
        fmt::format("node '{}': it was removed; `muster node list` shows the machines there are",
                    key));
  }
  transaction.expect(kinds::member, key, *member ? (*member)->version : 0);
  return {};
}

}  // namespace

std::string to_json(const DrainRecord& record) {
  return record_text(record, drain_fields);
}

Result<DrainRecord> parse_drain_record(std::string_view json) {
  return parse_record<DrainRecord>("drain record", json, drain_fields);
}

Result<std::optional<FoundDrain>> find_drain(const Store& store, const std::string& cluster,
                                             const std::string& node) {
  const auto record = store.get(kinds::drain, kinds::pair_key(cluster, node));
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto found = parse(*record);
  if (!found) return pass(found.error());
  return std::move(*found);
}

Result<std::vector<FoundDrain>> list_drains(const Store& store, const std::string& cluster) {
  const auto records =
      all_records(store, kinds::drain, cluster.empty() ? "" : kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::vector<FoundDrain> drains;
  for (const auto& record : *records) {
    auto found = parse(record);
    // Of all clusters, one that cannot be read holds up no other's.
    if (!found && cluster.empty()) continue;
    if (!found) return pass(found.error());
    drains.push_back(std::move(*found));
  }
  return drains;
}

Result<void> order_drain(const Store& store, const DrainOrder& order, TimePoint now,
                         Transaction& transaction) {
  if (order.limit < std::chrono::minutes(1) || order.limit > std::chrono::hours(24)) {
    return fail(ErrorKind::invalid,
                fmt::format("drain: expected a timeoutSeconds of 60 to 86400, found {}",
                            order.limit.count()));
  }
  const auto standing = find_drain(store, order.cluster, order.node);
  if (!standing) return pass(standing.error());
  const auto cluster = find_cluster(store, order.cluster);
  if (!cluster) return pass(cluster.error());
  if (auto there = expect_machine(store, order, transaction); !there) return there;
  DrainRecord record;
  // Draining goes on, and what was reported of it stays true.
  const bool goes_on = *standing && !(*standing)->record.given_up;
  record.since = goes_on ? (*standing)->record.since : cluster->record.revision_number + 1;
  record.cluster = order.cluster;
  record.node = order.node;
  record.remove = order.remove;
  record.ordered_at = unix_seconds(now);
  record.until = record.ordered_at + order.limit.count();
  record.by = order.by;
  record.undrained = order.undrained;
  const std::string key = kinds::pair_key(order.cluster, order.node);
  transaction.expect(kinds::drain, key, *standing ? (*standing)->version : 0)
      .put(kinds::drain, key, to_json(record));
  append_audit(transaction, now, order.by, order.remove ? "removal-ordered" : "drain-ordered", key,
               fmt::format("within {} s", order.limit.count()));
  return mark_due(store, order.cluster, "drain of " + order.node, order.by, now, transaction);
}

Result<void> order_drain(Store& store, const DrainOrder& order, TimePoint now) {
  return update(store, kinds::cluster, order.cluster,
                [&](const std::optional<std::string>&, Transaction& transaction) {
                  return order_drain(store, order, now, transaction);
                });
}

Result<void> end_drain(Store& store, const std::string& cluster, const std::string& node,
                       TimePoint now, const std::string& by) {
  const std::string key = kinds::pair_key(cluster, node);
  return update(
      store, kinds::drain, key,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        if (!value) {
          return fail(
              ErrorKind::not_found,
              fmt::format(
                  "node '{}': no drain is ordered; `muster node list` shows the machines that are drained",
                  key));
        }
        transaction.remove(kinds::drain, key);
        append_audit(transaction, now, by, "drain-ended", key, "");
        return mark_due(store, cluster, node + " drained no more", by, now, transaction);
      });
}

DrainProgress progress_of(const DrainRecord& record, const DutiesReport* duties) {
  DrainProgress progress;
  progress.message = "the duties of its cluster have not told yet";
  if (duties != nullptr && duties->peers_generation >= record.since) {
    const auto found = std::find_if(duties->drains.begin(), duties->drains.end(),
                                    [&](const NodeDrain& row) { return row.node == record.node; });
    if (found != duties->drains.end()) {
      progress.message = found->message;
      if (found->is_done) progress.phase = DrainPhase::drained;
    }
  }
  if (record.given_up) {
    progress.phase = DrainPhase::given_up;
    progress.message = fmt::format(
        "not drained in {} s; order `muster node drain` again, `muster node undrain`, or `muster node remove --no-drain`",
        record.until - record.ordered_at);
  }
  return progress;
}

}  // namespace muster
