// A machine that nobody had heard of when its cluster was opened after a restore: its certificate,
// which the site signed between the backup and the restore, is newer than what the store knows of
// its name. Where that is still the backup's, the name is its own; where an older key has renewed
// its identity since, no signature decides, and both wait for an operator.
#pragma once

#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"

namespace muster {

// As find_machine, once `presented`, which this site issued, has claimed the name if it may.
[[nodiscard]] Result<FoundMachine> find_claimed(const EnrolmentContext& context,
                                                const NodeName& node, const Certificate& presented);
[[nodiscard]] IssuedIdentity identity_in(const Certificate& certificate);

}  // namespace muster
