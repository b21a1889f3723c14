// The identity certificate: the proof that is asked for it, and how it is issued.
#pragma once

#include <string>

#include "client/proof.hpp"
#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"
#include "result/result.hpp"

namespace muster {

// What a machine sends to prove that it holds a key, now.
struct KeyProof {
  std::string nonce;  // base64 text, as the server sent it
  std::string csr_pem;
  std::string signature;  // raw bytes over proof_message()
};

// Takes the nonce of a proof that holds. Refusals nonce_unknown, csr_invalid, proof_invalid.
[[nodiscard]] Result<PublicKey> check_proof(const EnrolmentContext& context, ProofPurpose purpose,
                                            const KeyProof& proof);

struct IssuedCertificateOfIdentity {
  IssuedIdentity identity;      // goes into the machine's record
  std::string certificate_pem;  // leaf first, then the machine authority
};
// CN = node, O = "muster:machine", OU = cluster, client only, 72 h or as set.
[[nodiscard]] Result<IssuedCertificateOfIdentity> issue_identity(const EnrolmentContext& context,
                                                                 const NodeName& node,
                                                                 const PublicKey& key);
inline constexpr std::string_view machine_organization = "muster:machine";
inline constexpr std::string_view operator_organization = "muster:operator";

// The certificate was signed by the machine authority (the present one, or an older one that is
// still trusted). Dates are not looked at. unauthenticated: it was not.
[[nodiscard]] Result<void> check_issuer(const EnrolmentContext& context,
                                        const Certificate& certificate);

// Nothing new for a machine in this state: refusals banned, frozen.
[[nodiscard]] Result<void> check_may_be_issued(const FoundMachine& machine);
// Not even under another name. Refusal banned.
[[nodiscard]] Result<void> check_key_not_banned(const Store& store, std::string_view fingerprint);

}  // namespace muster
