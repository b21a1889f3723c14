// The bodies of POST /v1/enrol, /v1/recover and /v1/identity, and their answers, as the server
// reads and writes them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "document/machine_hints.hpp"
#include "enrolment/identity.hpp"
#include "enrolment/tombstone.hpp"

namespace muster {

struct EnrolRequest {
  KeyProof proof;
  std::string token;              // may be empty
  std::string instance_identity;  // EC2's rsa2048 text; may be empty
  MachineHints hints;             // empty for recover and renewal
};
// {"nonce","csr","proof","token"?,"instanceIdentity"?,"hints"?}: all problems at once. Hints are
// the machine's own claims: at most 32 MACs and 256 bytes per text; longer ones are refused, never
// cut, because what is cut could match another machine.
[[nodiscard]] Result<EnrolRequest> parse_enrol_request(std::string_view json);

// Of whoever is pending: an operator's word, its cluster's masters, or a backup of its cluster.
enum class Awaits { approval, masters, backup };
[[nodiscard]] std::string_view name(Awaits awaits);

struct EnrolOutcome {
  bool pending = false;  // HTTP 202
  std::string fingerprint;
  NodeName node;
  std::string certificate_pem;
  std::chrono::seconds poll_after{5};
  Awaits awaits = Awaits::approval;      // why it is pending
  std::optional<TombstoneRecord> ended;  // of a recovery: there is nothing to come back to
};
// {"fingerprint","pollAfter","awaits":"approval"|"masters"|"backup"} or
// {"node","cluster","certificate"}; not of an end.
[[nodiscard]] std::string to_json(const EnrolOutcome& outcome);

}  // namespace muster
