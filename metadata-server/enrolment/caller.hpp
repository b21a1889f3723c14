// Who is asking: a client certificate, looked up in the records. The handshake refused foreign
// chains already; ban, supersession and freeze are answered here, with a kind and a cure.
#pragma once

#include <string>
#include <string_view>

#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"
#include "result/result.hpp"

namespace muster {

struct Caller {
  enum class Kind { machine, person };  // person: an operator
  Kind kind = Kind::machine;
  NodeName node;            // machine
  std::string name;         // person
  std::string key;          // fingerprint of the presented public key
  bool restricted = false;  // person: only clusters of its own, within its limits (quota.hpp)
  bool frozen = false;      // machine: may read its document and report, may not be issued anything
  bool ended = false;  // machine: its cluster ended; it may have its tombstone and nothing else
  // "machine lab/m1" or "operator anna", for the audit.
  [[nodiscard]] std::string text() const;
};

// Looks the certificate up. A machine's first call with a renewed key ends the old key's
// acceptance. Refusals: certificate_expired, identity_unknown (no such record; a removed node is
// answered like one that never was, unless it has a tombstone), superseded, frozen, banned,
// operator_revoked, sealed (records/seal), certificate_other (neither a machine's nor an
// operator's).
[[nodiscard]] Result<Caller> identify(const EnrolmentContext& context,
                                      const Certificate& presented);

// Refusal sealed: its cluster is (records/seal), or it is a master that shows what it holds first.
// For ten minutes: an agent of before there were backups has nothing to show.
[[nodiscard]] Result<void> check_heard(const EnrolmentContext& context, const NodeName& node,
                                       const Certificate& presented);
// The name in a machine's certificate: CN and OU. Error certificate_other.
[[nodiscard]] Result<NodeName> node_of(const Certificate& certificate);
// `presented` is of the record's current key, or of the previous while the current was never used.
// Refusals identity_unknown; superseded: the key was ended by an enrolment or an operator; frozen:
// it was renewed away, so that two machines hold the identity, which is frozen by this and noted.
[[nodiscard]] Result<void> check_holds_name(const EnrolmentContext& context,
                                            const FoundMachine& found,
                                            const Certificate& presented);
// The same of a caller's key, where the record was read anew since it was identified. Refusals
// identity_unknown, superseded.
[[nodiscard]] Result<void> check_key_holds_name(const EnrolmentContext& context,
                                                const MachineRecord& record, std::string_view key);
// Certificates and secrets: refusal frozen.
[[nodiscard]] Result<void> check_not_frozen(const Caller& caller);

// What a machine whose cluster ended is told wherever it does not ask for its tombstone.
[[nodiscard]] Error has_ended(const NodeName& node);
// The one answer for "does not exist" and "is not yours".
[[nodiscard]] Error not_yours();

}  // namespace muster
