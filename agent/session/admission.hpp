// How a machine comes to an identity: enrolled, let in anew, or recovered. What the server answers
// is kept before it is used (identity.hpp).
#pragma once

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "agent/session/identity.hpp"
#include "document/trust_list.hpp"

namespace muster {

// Keeps what the server answered for `key`. Generations belong to a node: a machine that became
// another one starts to count anew.
[[nodiscard]] ConvergeResult<Identity> admitted(Run& run, const PrivateKey& key,
                                                const EnrolAnswer& answer);

// Asks until it is let in, refused, or the run's deadline has passed; a service that waits for an
// approval says so (waiting.hpp). identity: refused, or still waiting; network: no server.
[[nodiscard]] ConvergeResult<Identity> enrol(Run& run, const TrustList& trust, const Facts& facts);

// A machine that was let in once and has lost its key (`why`) goes on with what it has, and asks
// once in each run: what it is told is in the error, with the order that lets it in.
[[nodiscard]] ConvergeResult<Identity> enrol_anew(Run& run, const TrustList& trust,
                                                  const Facts& facts, const std::string& why);

// Another certificate for the key of one that has expired; or the end of its cluster, which is kept
// and an error.
[[nodiscard]] ConvergeResult<Identity> recover(Run& run, const TrustList& trust,
                                               const Identity& expired);

}  // namespace muster
