#include "http/agenda_keeper.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/expiry.hpp"
#include "http/cluster_end.hpp"
#include "site/pool_member.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::size_t rows_per_tick = 16;  // the rest waits a second
constexpr std::int64_t retry_after = 30;   // seconds

}  // namespace

Result<void> AgendaKeeper::tick() {
  const std::int64_t now = unix_seconds(rooms_.enrolment.now());
  std::erase_if(failed_, [&](const auto& entry) { return entry.second <= now; });
  const auto due = list_due(rooms_.store, now, rows_per_tick + failed_.size());
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
  if (row.what == agenda::released) return release_member(row);
  if (row.what == agenda::lapse) return let_lapse(rooms_.store, row);
  return fail(ErrorKind::corrupt, "expected cluster, member, released or lapse");
}

Result<void> AgendaKeeper::advance_cluster(const AgendaRow& row) {
  const auto due = advance_expiry(rooms_.publishing, row);
  if (!due) return pass(due.error());
  if (!*due) return {};
  const OnDemandCluster& cluster = (*due)->cluster;
  if ((*due)->has_ended)
    return end_cluster(rooms_, {cluster.name, "expiry", "cluster-expired", std::nullopt});
  spdlog::warn("cluster {}: ends in {} s; `muster cluster extend {} --ttl 4h` lets it live longer",
               cluster.name, cluster.expires_at - unix_seconds(rooms_.enrolment.now()),
               cluster.name);
  warn_(cluster);
  return {};
}

Result<void> AgendaKeeper::end_member(const AgendaRow& row) {
  const auto ended = expire_member(rooms_.enrolment, row);
  if (!ended) return pass(ended.error());
  if (!*ended) return {};
  const NodeName& node = **ended;
  rooms_.reports.forget(node);
  spdlog::info("expiry: removed {}/{}", node.cluster, node.node);
  const auto published = republish(rooms_.publishing, node.cluster, "expiry");
  if (!published) return pass(published.error().error);
  return rooms_.reload_inventory(node.cluster);
}

Result<void> AgendaKeeper::release_member(const AgendaRow& row) {
  const auto node = kinds::parse_pair_key(row.name);
  if (!node) return fail(ErrorKind::corrupt, "no member's name");
  const auto released =
      release_retired_members(rooms_.store, node->first, unix_seconds(rooms_.enrolment.now()),
                              std::chrono::seconds(member_quarantine));
  if (!released) return pass(released.error());
  Transaction transaction;
  remove_agenda(row.at, row.what, row.name, transaction);
  return rooms_.store.commit(transaction);
}

}  // namespace muster
