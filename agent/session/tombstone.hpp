// The end of this machine's cluster. What it says is written down before anything is done about it,
// so that a machine that was killed meanwhile, or boots without a server, obeys as well: where it
// is written down, nothing of Kubernetes is started again. `muster-agent reset` removes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/server.hpp"
#include "agent/session/identity.hpp"
#include "document/tombstone.hpp"
#include "document/trust_list.hpp"

namespace muster {

// Signed by a document key whose scope covers the cluster, for this site, cluster, node and
// identity key. unauthenticated | forbidden | invalid say which failed.
[[nodiscard]] Result<Tombstone> verify_tombstone(const Envelope& envelope, const TrustList& trust,
                                                 const Identity& identity);
// Durable on return.
[[nodiscard]] Result<void> keep_tombstone(const Tombstone& tombstone, Filesystem& files);
// nullopt: the machine's time has not ended. corrupt, with the cure: it cannot be read.
[[nodiscard]] Result<std::optional<Tombstone>> kept_tombstone(const Filesystem& files);

// One lies there that cannot be read: as long as the server does not say that the cluster goes on,
// nothing is started, and what it says else is kept anew.
[[nodiscard]] bool is_tombstone_damaged(const Filesystem& files);

// "cluster 'ci' ended at 2026-11-21T19:00:00Z: this machine switches itself off"
[[nodiscard]] std::string to_text(const Tombstone& tombstone);

}  // namespace muster
