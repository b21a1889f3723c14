// The documents: fetched, verified, then cached, then used, in this order and no other. When the
// server is away the cached ones are verified again and used.
#pragma once

#include "agent/session/session.hpp"
#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "document/report.hpp"

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
  std::string refused_digest;  // empty: it did not come at all
  // Why `peers` is not the newest list there is: it was refused, could not be fetched or kept, or
  // none is left on the machine.
  std::string peers_refused;
  // What was refused had the generation of what the machine has already.
  std::optional<Contradiction> contradiction;
};

// Signed by a document key whose scope covers the cluster, for this site, cluster and node, of a
// generation that is not older. unauthenticated | forbidden | conflict | invalid say which failed.
[[nodiscard]] Result<NodeDocument> verify_document(const Envelope& envelope, const TrustList& trust,
                                                   std::string_view node, std::string_view cluster,
                                                   std::uint64_t minimum_generation);
[[nodiscard]] Result<PeerList> verify_peers(const Envelope& envelope, const TrustList& trust,
                                            std::string_view cluster,
                                            std::uint64_t minimum_generation);

// A generation has one content: `found` is of the one that was taken last, and is not that. `of`:
// "document" or "peers".
[[nodiscard]] std::optional<Contradiction> contradiction_of(std::string_view of, const Taken& last,
                                                            const Taken& found);
// What it is and what to do about it, for the report and the journal.
[[nodiscard]] std::string to_text(const Contradiction& found);

// document: refused and nothing cached, or the cached one is older than the age policy allows.
[[nodiscard]] ConvergeResult<Fetched> fetch(Run& run, Session& session);

}  // namespace muster
