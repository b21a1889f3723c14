// The first certificate of a machine. The inventory decides its name and role; the machine's hints
// only find it there.
#pragma once

#include <string>

#include "enrolment/enrol_request.hpp"
#include "enrolment/enrolment_context.hpp"
#include "result/result.hpp"

namespace muster {

// Issued: with a token that covers the node, or after an operator approved this key, or again for
// the key that already holds the name (an answer was lost), which costs no further use of a token.
// With a token of a pool the machine becomes its member (pool_admission), whatever hardware it says
// to have; it waits as pending, without an operator, while its cluster awaits masters.
// Pending: no token, or hardware that the inventory does not name. Nobody waits with a bad token.
// Each refusal is noted in the context's log. Refusals: those of check_proof, find_join_token,
// check_usable, check_covers, note_pending; hints_ambiguous, hints_other_node; banned, frozen;
// live_identity, which leaves one audit row per name and minute. `source`: the address it came
// from.
[[nodiscard]] Result<EnrolOutcome> enrol(const EnrolmentContext& context,
                                         const EnrolRequest& request, const std::string& source);

}  // namespace muster
