// Who has a name, by what machines show: the newest certificate that the site signed for it says
// who has it since. Where an older key shows a document that was signed later than what the newer
// one has (an operator gave the name back), or both were signed in one second, no signature
// decides. Pure.
#pragma once

#include <optional>
#include <vector>

#include "backup/learned.hpp"
#include "enrolment/machine.hpp"

namespace muster {

struct Claim {
  IssuedIdentity newest;
  std::optional<IssuedIdentity> rival;  // no signature decides between the two
};
// Of one name: `shown`, at least one, and whom `record` has; `known`: the generation that was
// published when the backup was made.
[[nodiscard]] Claim claim_of(const std::vector<Learned>& shown, const MachineRecord& record,
                             std::uint64_t known);
// The one whose identity is the newest.
[[nodiscard]] const Learned& newest_of(const std::vector<Learned>& shown);
[[nodiscard]] IssuedIdentity identity_of(const Learned& learned);

}  // namespace muster
