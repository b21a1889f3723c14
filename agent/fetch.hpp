// The documents: fetched, verified, then cached, then used, in this order and no other. When the
// server is away the cached ones are verified again and used.
#pragma once

#include "agent/session.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"

namespace muster {

struct Fetched {
  NodeDocument document;
  std::string digest;  // of the document's envelope
  Envelope envelope;
  PeerList peers;
  bool offline = false;
  // What could not be kept: no document that was not kept is in `document`.
  std::string unsaved;
  // The server's document was refused and the last good one is in force: what was wrong with it.
  std::string refused;
};

// Signed by a document key whose scope covers the cluster, for this site, cluster and node, of a
// generation that is not older. unauthenticated | forbidden | conflict | invalid say which failed.
[[nodiscard]] Result<NodeDocument> verify_document(const Envelope& envelope, const TrustList& trust,
                                                   std::string_view node, std::string_view cluster,
                                                   std::uint64_t minimum_generation);
[[nodiscard]] Result<PeerList> verify_peers(const Envelope& envelope, const TrustList& trust,
                                            std::string_view cluster,
                                            std::uint64_t minimum_generation);

// document: refused and nothing cached, or the cached one is older than the age policy allows.
[[nodiscard]] ConvergeResult<Fetched> fetch(Run& run, Session& session);

}  // namespace muster
