// How a machine becomes a member of a NodePool: which name and address it is given, and why not.
#pragma once

#include <string>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/join_token.hpp"
#include "records/pool_member.hpp"
#include "result/result.hpp"

namespace muster {

struct PoolQuestion {
  const EnrolmentContext& context;
  const FoundJoinToken& token;           // bound to a pool
  const std::string& source;             // the address at the other end of the TLS connection
  const std::string& instance_identity;  // as the machine sent it; may be empty
  std::string key;                       // fingerprint of the machine's public key, which it proved
  RefusalNote& note;                     // learns which instance it is
};

// The member that this machine is. Its address is the source, or that of its instance's document
// (member_proof), its name the lowest free one of the pool; both are its own when this returns, and
// one use of the token is spent. A key that is a member already is told so again, for nothing.
// Nothing that the machine says of itself counts. Refusals: pool_unknown, address_outside,
// address_taken, pool_full, those of prove_machine and check_usable; conflict of the store:
// somebody was faster, ask again.
[[nodiscard]] Result<MemberRecord> admit_member(const PoolQuestion& question);

}  // namespace muster
