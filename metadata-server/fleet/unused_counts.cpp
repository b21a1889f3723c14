#include "fleet/unused_counts.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/join_token.hpp"
#include "records/on_demand_record.hpp"
#include "records/pool_member.hpp"

namespace muster {
namespace {

Result<bool> is_complete(const Fleet& fleet, const OnDemandCluster& cluster) {
  const auto members = list_members(fleet.store, cluster.name);
  if (!members) return pass(members.error());
  std::uint32_t masters = 0, nodes = 0;
  for (const MemberRecord& member : *members) {
    if (member.removed_at != 0 || !is_ready(fleet.reports.find({cluster.name, member.node})))
      continue;
    ++(is_control_plane(member.role) ? masters : nodes);
  }
  return masters >= cluster.masters && nodes >= cluster.nodes;
}

Result<void> revoke_if_complete(const Fleet& fleet, const std::string& name) {
  const auto found = find_on_demand(fleet.store, name);
  if (!found && found.error().kind == ErrorKind::not_found) return {};
  if (!found) return pass(found.error());
  const OnDemandCluster& cluster = found->cluster;
  if (cluster.open_tokens.empty()) return {};
  const auto complete = is_complete(fleet, cluster);
  if (!complete) return pass(complete.error());
  if (!*complete) return {};
  Transaction transaction;
  const auto unused =
      revoke_unused(fleet.enrolment, cluster.open_tokens, {}, "server", transaction);
  if (!unused) return pass(unused.error());
  if (!transaction.changes.empty()) {
    if (auto committed = fleet.store.commit(transaction); !committed)
      return pass(committed.error());
    spdlog::info("cluster {}: complete; {} unused places of its tokens revoked", name, *unused);
  }
  if (auto noted = forget_open_tokens(fleet.store, name); !noted) return pass(noted.error());
  return {};
}

}  // namespace

Result<void> revoke_unused_counts(const Fleet& fleet) {
  Result<void> all;
  for (const auto& name : fleet.reports.take_ready()) {
    auto done = revoke_if_complete(fleet, name);
    if (done) continue;
    fleet.reports.note_ready(name);  // the next tick tries again
    if (done.error().kind != ErrorKind::conflict) all = std::move(done);
  }
  return all;
}

}  // namespace muster
