// The bytes that a key signs to prove that its holder stands behind a certificate request now: the
// agent signs them, the server's enrolment verifies the same text. Pure.
#pragma once

#include <string>
#include <string_view>

namespace muster {

enum class ProofPurpose {
  enrol,    // the first certificate of a machine
  recover,  // a certificate after the old one expired, and renewal before
};

// "muster enrol v1\n" or "muster recover v1\n", the nonce as the server sent it (base64 text),
// "\n", and the SHA-256 digest of the CSR's PEM text.
[[nodiscard]] std::string proof_message(ProofPurpose purpose, std::string_view nonce,
                                        std::string_view csr_pem);

}  // namespace muster
