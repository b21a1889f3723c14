// What an enrolled machine may have beside its document: the certificates and secrets that the
// document names, and no other. Nothing leaves without its row in the audit. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

struct CertificateOrder {
  std::string name;  // as the document lists it
  std::string csr;   // PEM; of it, only the key counts
};
struct IssuedMachineCertificate : IssuedClusterCertificate {
  std::string name;
};
// All or none. Refusals: frozen; not_yours; csr_invalid; no_document.
[[nodiscard]] Result<std::vector<IssuedMachineCertificate>> issue_certificates(
    const Fleet& fleet, const Caller& machine, const std::vector<CertificateOrder>& orders);

// The value of the version that its document names. Refusals: frozen; not_yours; no_document.
[[nodiscard]] Result<std::string> hand_out_secret(const Fleet& fleet, const Caller& machine,
                                                  const std::string& name, std::uint64_t version);

}  // namespace muster
