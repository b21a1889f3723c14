// What machines of a sealed cluster show that they hold: what the site signed for them after the
// backup was made. Only signatures are believed, of documents and of identities: kind "learned",
// key "<cluster>/<node>/<fingerprint of its key>"; of a cluster's newest peer list, key
// "<cluster>". What the backup knew already teaches nothing. Bans are taken over at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "enrolment/caller.hpp"
#include "enrolment/enrolment_context.hpp"
#include "trust/site_keys.hpp"

namespace muster {

// One key's: two may hold one name (backup/claims).
struct Learned {
  std::string cluster, node;
  std::string key;             // fingerprint of the key of its identity
  std::string serial;          // of its certificate
  std::int64_t issued_at = 0;  // of that certificate, Unix seconds
  std::int64_t not_after = 0;
  std::int64_t heard_at = 0;
  std::uint64_t generation = 0;         // of its document; 0: it showed none that holds
  std::uint64_t peers_generation = 0;   // of its peer list
  std::uint64_t trust_version = 0;      // of its trust list
  bool is_master = false;               // by its document
  std::string pool, address, pod_cidr;  // likewise
  Role role = Role::node;               // likewise
  std::vector<std::string> refuses;     // whom the API servers refuse, by a master's document
  std::map<std::string, std::uint64_t> secrets;  // name -> version, likewise
  std::vector<std::string> refused;              // what it showed and is not believed, and why
};
// It showed a document that is no older than that of this generation.
[[nodiscard]] bool is_as_new(const Learned& learned, std::int64_t own);
[[nodiscard]] std::string to_json(const Learned& learned);
[[nodiscard]] Result<Learned> parse_learned(std::string_view json);
[[nodiscard]] Result<std::vector<Learned>> all_learned(const Store& store,
                                                       const std::string& cluster);
// The newest peer list's machines, by name; none: nobody showed one.
struct LearnedPeers {
  std::uint64_t generation = 0;
  std::vector<std::string> machines;
};
[[nodiscard]] Result<LearnedPeers> learned_peers(const Store& store, const std::string& cluster);

// Whose certificate it is, of a cluster that is sealed, or was opened without this machine
// (records/seal: Unheard). unauthenticated: none, or not this site's.
// conflict `not_sealed`: there is nothing to show.
[[nodiscard]] Result<NodeName> may_show_held(const EnrolmentContext& context,
                                             const std::optional<Certificate>& certificate);

struct Held {
  std::vector<Envelope> trust;
  std::optional<Envelope> document, peers;
};
// {"trust":[envelope,...],"document":envelope,"peers":envelope}, each where it has one.
[[nodiscard]] Result<Held> parse_held(std::string_view json);
// Notes what of it holds. A newer trust list is the site's from then on.
[[nodiscard]] Result<Learned> take_held(const EnrolmentContext& context, SiteKeys& keys,
                                        const Certificate& certificate, const Held& held);

}  // namespace muster
