#include "fleet/agenda_keeper.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/expiry.hpp"
#include "fleet/cluster_end.hpp"
#include "fleet/machine_removal.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::size_t rows_per_tick = 16;  // the rest waits a second
constexpr std::int64_t retry_after = 30;   // seconds
constexpr std::int64_t look_again_after = 10;

}  // namespace

Result<void> AgendaKeeper::tick() {
  const std::int64_t now = unix_seconds(fleet_.enrolment.now());
  std::erase_if(failed_, [&](const auto& entry) { return entry.second <= now; });
  const auto due = list_due(fleet_.store, now, rows_per_tick + failed_.size());
  if (!due) return pass(due.error());
  for (const AgendaRow& row : *due) {
    const std::string subject = fmt::format("{} {}", row.what, row.name);
    if (failed_.contains(subject)) continue;
    const auto done = carry_out(row);
    if (done) continue;
    failed_[subject] = now + retry_after;
    spdlog::error("agenda: {}: {}; tried again in {} s", subject, done.error().message,
                  retry_after);
  }
  return {};
}

Result<void> AgendaKeeper::carry_out(const AgendaRow& row) {
  if (row.what == agenda::cluster) return advance_cluster(row);
  if (row.what == agenda::member) return end_member(row);
  if (row.what == agenda::released) return release_members(row);
  if (row.what == agenda::lapse) return let_lapse(fleet_.store, row);
  return fail(ErrorKind::corrupt, "expected cluster, member, released or lapse");
}

Result<void> AgendaKeeper::advance_cluster(const AgendaRow& row) {
  const auto due = advance_expiry(fleet_.publishing, row);
  if (!due) return pass(due.error());
  if (!*due) return {};
  const OnDemandCluster& cluster = (*due)->cluster;
  if ((*due)->has_ended)
    return end_cluster(fleet_, {cluster.name, "expiry", "cluster-expired", std::nullopt});
  spdlog::warn("cluster {}: ends in {} s; `muster cluster extend {} --ttl 4h` lets it live longer",
               cluster.name, cluster.expires_at - unix_seconds(fleet_.enrolment.now()),
               cluster.name);
  warn_(cluster);
  return {};
}

Result<void> AgendaKeeper::end_member(const AgendaRow& row) {
  const auto ended = expire_member(fleet_.enrolment, row);
  if (!ended) return pass(ended.error());
  if (!*ended) return {};
  const NodeName& node = **ended;
  fleet_.reports.forget(node);
  spdlog::info("expiry: removed {}/{}", node.cluster, node.node);
  // What could not be published now is as long as its place waits to be free.
  try_publishing(fleet_, node.cluster, "expiry");
  return {};
}

// Looked at again and again: when a Node object is gone is the duties' to tell.
Result<void> AgendaKeeper::release_members(const AgendaRow& row) {
  const auto waits = release_places(fleet_, row.name, quarantine_);
  if (!waits) return pass(waits.error());
  Transaction transaction;
  remove_agenda(row.at, row.what, row.name, transaction);
  const std::int64_t next = unix_seconds(fleet_.enrolment.now()) + look_again_after;
  if (*waits) put_agenda({next, row.what, row.name, {}}, transaction);
  return fleet_.store.commit(transaction);
}

}  // namespace muster
