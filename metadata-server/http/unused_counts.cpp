#include "http/unused_counts.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/join_token.hpp"
#include "site/on_demand_record.hpp"
#include "site/pool_member.hpp"

namespace muster {
namespace {

Result<bool> is_complete(const Rooms& rooms, const OnDemandCluster& cluster) {
  const auto members = list_members(rooms.store, cluster.name);
  if (!members) return pass(members.error());
  std::uint32_t masters = 0, nodes = 0;
  for (const MemberRecord& member : *members) {
    if (member.removed_at != 0 || !is_ready(rooms.reports.find({cluster.name, member.node})))
      continue;
    ++(is_control_plane(member.role) ? masters : nodes);
  }
  return masters >= cluster.masters && nodes >= cluster.nodes;
}

Result<void> revoke_if_complete(const Rooms& rooms, const std::string& name) {
  const auto found = find_on_demand(rooms.store, name);
  if (!found && found.error().kind == ErrorKind::not_found) return {};
  if (!found) return pass(found.error());
  const OnDemandCluster& cluster = found->cluster;
  if (cluster.open_tokens.empty()) return {};
  const auto complete = is_complete(rooms, cluster);
  if (!complete) return pass(complete.error());
  if (!*complete) return {};
  Transaction transaction;
  const auto unused =
      revoke_unused(rooms.enrolment, cluster.open_tokens, {}, "server", transaction);
  if (!unused) return pass(unused.error());
  if (!transaction.changes.empty()) {
    if (auto committed = rooms.store.commit(transaction); !committed)
      return pass(committed.error());
    spdlog::info("cluster {}: complete; {} unused places of its tokens revoked", name, *unused);
  }
  if (auto noted = note_open_tokens(rooms.store, name, {}); !noted) return pass(noted.error());
  return {};
}

}  // namespace

Result<void> revoke_unused_counts(const Rooms& rooms) {
  Result<void> all;
  for (const auto& name : rooms.reports.take_ready()) {
    auto done = revoke_if_complete(rooms, name);
    if (done) continue;
    rooms.reports.note_ready(name);  // the next tick tries again
    if (done.error().kind != ErrorKind::conflict) all = std::move(done);
  }
  return all;
}

}  // namespace muster
