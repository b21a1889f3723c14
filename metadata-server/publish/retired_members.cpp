#include "publish/retired_members.hpp"

#include <algorithm>

#include "records/pending_machine.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// What is found out of a removed member by looking: which peer list is the first without it,
// whoever published that; and that the clock was ahead when it was removed, so that its place would
// be held as long as the clock was wrong.
Result<void> note_found_out(Store& store, const MemberRecord& member, std::uint64_t generation,
                            std::int64_t now) {
  const std::int64_t removed_at = std::min(member.removed_at, now);
  if (generation == member.left_generation && removed_at == member.removed_at) return {};
  auto found = find_member(store, member.cluster, member.node);
  if (!found) return pass(found.error());
  if (!*found || (*found)->record.removed_at == 0) return {};
  (*found)->record.left_generation = generation;
  (*found)->record.removed_at = removed_at;
  Transaction transaction;
  put_member(**found, transaction);
  return commit(store, transaction);
}

// Its name may be a listed machine's by now.
bool is_served_still(const MemberRecord& member, const NodeObjects& nodes) {
  if (!nodes.served) return false;
  const auto found = nodes.served->documents.find(member.node);
  if (!found) return false;
  const ServedIdentity served = served_identity(*found);
  return served.role.empty() || !served.pool.empty();
}

}  // namespace

bool is_node_gone(const MemberRecord& member, const NodeObjects& nodes) {
  if (!nodes.may_be_any) return true;
  if (member.left_generation == 0 || !nodes.duties) return false;
  const auto& leaving = nodes.duties->leaving;
  return nodes.duties->peers_generation >= member.left_generation &&
         std::find(leaving.begin(), leaving.end(), member.node) == leaving.end();
}

Result<void> remove_machines(const Store& store, const std::string& cluster,
                             const std::vector<std::string>& nodes, std::int64_t now,
                             Transaction& transaction) {
  for (const auto& node : nodes) {
    const std::string key = kinds::pair_key(cluster, node);
    transaction.remove(kinds::document, key)
        .remove(kinds::machine, key)
        .remove(kinds::report, key)
        .remove(kinds::served, key)
        .remove(kinds::drain, key)
        .remove(kinds::boot, key);
    auto member = find_member(store, cluster, node);
    if (!member) return pass(member.error());
    if (*member && (*member)->record.removed_at == 0)
      retire_member(std::move(**member), now, transaction);
  }
  // An order for a node that is not listed any more is none, if that comes back, either.
  return nodes.empty() ? Result<void>() : end_approvals_of(store, cluster, nodes, transaction);
}

Result<RetiredMembers> release_retired_members(Store& store, PublicationMemory& memory,
                                               const std::string& cluster, std::int64_t now,
                                               std::chrono::seconds quarantine,
                                               const NodeObjects& nodes) {
  RetiredMembers retired;
  const auto members = memory.retired_members(store, cluster);
  if (!members) return pass(members.error());
  std::vector<const MemberRecord*> over;
  for (const MemberRecord& member : *members) {
    const bool is_served = is_served_still(member, nodes);
    retired.is_served = retired.is_served || is_served;
    const bool has_left =
        member.left_generation == 0 && nodes.served && nodes.served->peers && !is_served;
    auto noted = note_found_out(
        store, member, has_left ? nodes.served->peers->generation : member.left_generation, now);
    if (!noted) return pass(noted.error());
    const bool is_over = now >= member.removed_at + quarantine.count();
    if (is_over && !is_served && is_node_gone(member, nodes)) {
      over.push_back(&member);
    } else {
      ++retired.waiting;
    }
  }
  if (over.empty()) return retired;
  auto found = find_cluster(store, cluster);
  if (!found) return pass(found.error());
  Transaction transaction;
  for (const MemberRecord* member : over) {
    transaction.remove(kinds::member, kinds::pair_key(member->cluster, member->node))
        .remove(kinds::address, member->address);
    if (!nodes.served || !nodes.served->documents.contains(member->node))
      found->record.pod_cidrs.change().erase(member->node);
  }
  if (found->version != 0) {
    transaction.expect(kinds::cluster, cluster, found->version)
        .put(kinds::cluster, cluster, to_json(found->record));
  }
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  retired.released = over.size();
  return retired;
}

}  // namespace muster
