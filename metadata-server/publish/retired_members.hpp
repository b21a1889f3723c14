// When what a removed member of a pool held (its name, address and pod network) is free again.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "document/report.hpp"
#include "publish/current_documents.hpp"
#include "publish/publication_memory.hpp"
#include "records/pool_member.hpp"
#include "store/store.hpp"

namespace muster {

// What is known of the Node objects of a cluster.
struct NodeObjects {
  bool may_be_any = true;  // false: the cluster never had an API server
  std::shared_ptr<const ServedCluster> served;
  std::optional<DutiesReport> duties;  // the newest; nothing: none yet
};

// Told by the duties, of a removed member.
[[nodiscard]] bool is_node_gone(const MemberRecord& member, const NodeObjects& nodes);

// Adds the end of machines that a publication has no more: what is stored of each goes, and a
// pool's member is removed at `now`.
[[nodiscard]] Result<void> remove_machines(const Store& store, const std::string& cluster,
                                           const std::vector<std::string>& nodes, std::int64_t now,
                                           Transaction& transaction);

// Frees names, addresses and pod networks of what was removed at least `quarantine` ago and has no
// Node object any more: kubelets of others still route to its network, and a Node of that name
// would be taken for the new machine's. Idempotent.
struct RetiredMembers {
  std::size_t released = 0;
  std::size_t waiting = 0;  // removed, and not free yet
  bool is_served = false;   // somebody was removed, and no publication followed yet
};
[[nodiscard]] Result<RetiredMembers> release_retired_members(
    Store& store, PublicationMemory& memory, const std::string& cluster, std::int64_t now,
    std::chrono::seconds quarantine, const NodeObjects& nodes);

}  // namespace muster
