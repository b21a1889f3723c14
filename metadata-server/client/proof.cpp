#include "client/proof.hpp"

#include <fmt/format.h>

#include "pki/signature.hpp"

namespace muster {

std::string proof_message(ProofPurpose purpose, std::string_view nonce, std::string_view csr_pem) {
  const std::string_view verb = purpose == ProofPurpose::enrol ? "enrol" : "recover";
  return fmt::format("muster {} v1\n{}\n{}", verb, nonce, sha256_digest(csr_pem));
}

}  // namespace muster
