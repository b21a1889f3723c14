// Further certificates for a machine that has an identity: after the old one expired (same key,
// enrol listener), and before (new key, node listener).
#pragma once

#include <string>

#include "enrolment/enrol_request.hpp"
#include "enrolment/enrolment_context.hpp"
#include "result/result.hpp"

namespace muster {

// `presented`: the client certificate of the TLS connection, whose dates nobody looked at. The
// proof must be made with its key. Refusals: those of check_proof and check_issuer, key_other (the
// proof is another key's), recovery_too_late (more than the window after it expired),
// identity_unknown, superseded, banned, frozen.
[[nodiscard]] Result<EnrolOutcome> recover(const EnrolmentContext& context,
                                           const EnrolRequest& request,
                                           const Certificate& presented, const std::string& source);

// `presented`: valid, of the node listener's handshake. The new key takes over when it is first
// used; until then the old one is accepted too. Refusals likewise.
[[nodiscard]] Result<EnrolOutcome> renew(const EnrolmentContext& context,
                                         const EnrolRequest& request, const Certificate& presented,
                                         const std::string& source);

}  // namespace muster
