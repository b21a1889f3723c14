// Compile's second input as it is today: for a publication, and for those who compile away from
// here.
#pragma once

#include "publish/publish.hpp"

namespace muster {

// What is true today whatever the content: authorities, pod networks, bans, members of pools. Keys
// and secrets that are not there yet are made in the transaction. `inventory`: that is to be
// published, where it is known. conflict: as check_clock (records/clock_record), where authorities
// would be made.
[[nodiscard]] Result<SiteFacts> facts_of_today(const PublishContext& context,
                                               const ClusterRecord& record,
                                               const Inventory* inventory,
                                               Transaction& transaction);

// compile's second input as `publish` would have it now; nothing is written. The authorities of a
// cluster that is new here are made for this answer alone: they tell whether the inventory is
// sound.
[[nodiscard]] Result<SiteFacts> preview_facts(const PublishContext& context,
                                              const std::string& cluster);

// What somebody needs who signs away from here: compile's second input, and the generation that the
// next publication gives. The authorities and secrets of a cluster that is new here are made by
// this, so that they can be signed. invalid: no name for a cluster; conflict: as facts_of_today.
struct SigningFacts {
  SiteFacts facts;
  std::uint64_t generation = 0;
};
[[nodiscard]] Result<SigningFacts> prepare_signing(const PublishContext& context,
                                                   const std::string& cluster,
                                                   const std::string& actor);

}  // namespace muster
