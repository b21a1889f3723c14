// A sealed cluster goes on: what its machines showed and what the store has are compared, and what
// cannot be made good is told before anything is published.
#pragma once

#include <string>
#include <vector>

#include "backup/learned.hpp"
#include "fleet/fleet.hpp"
#include "records/seal.hpp"

namespace muster {

struct NewerSecret {
  std::string name;
  std::uint64_t held = 0;   // by a machine
  std::uint64_t known = 0;  // the newest here
  std::string node;         // who holds it
};

// Two keys claim the name of a machine that the backup knows.
struct DisputedName {
  std::string node, newest, rival;  // fingerprints
};

// One cluster, as far as it is known.
struct SealedCluster {
  std::string name;
  std::vector<Learned> heard;                         // of each name the newest identity
  std::map<std::string, std::vector<Learned>> shown;  // by name, all
  std::vector<DisputedName> disputed;                 // both wait for an operator
  std::vector<std::string> unheard;  // that have an identity here and showed nothing
  // Without one that showed a document at least as new as the backup has it, or banned by another.
  std::vector<std::string> unheard_masters;
  bool has_master_heard = false;  // one that did
  std::vector<NewerSecret> newer_secrets;
  std::vector<std::string> lost;      // in the machines' peer list, and in no inventory here
  std::vector<Learned> lost_members;  // of these, those of pools that showed their document
  std::vector<std::string> unknown;   // heard, and without an identity here: to be approved
  std::vector<std::string> banned;    // learned from the masters' documents, or known
  std::uint64_t highest_generation = 0, highest_trust = 0;
  Seal seal;  // what was known here already
};
[[nodiscard]] Result<SealedCluster> look_at_sealed(const Fleet& fleet, const std::string& cluster);

struct OpenOrder {
  std::string cluster, by;
  bool unheard = false;  // although of `unheard_masters` each may know of a ban that came later
  bool members = false;  // `lost_members` are let in again, as the site let them in before
  bool drop = false;     // `lost` lose their place
};
// Takes over the keys that have the machines' names since the backup, raises the epoch above all
// that was seen, signs the trust list in it, and lets the publisher publish everything anew.
// `unheard_masters` show what they hold before they are served (records/seal). Answers notes for
// people. Refusals, all conflict: machines_unheard, secrets_newer, machines_dropped; not_sealed.
[[nodiscard]] Result<std::vector<std::string>> open_cluster(const Fleet& fleet,
                                                            const OpenOrder& order,
                                                            const ServerAddresses& addresses);

}  // namespace muster
