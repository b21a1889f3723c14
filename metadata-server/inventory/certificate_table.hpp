// Which key pairs a machine must hold, by role: the table of inventory/README.md, "Certificates".
// Pure.
#pragma once

#include <chrono>
#include <vector>

#include "document/node_document.hpp"

namespace muster {

// `identity.cluster` complete but for its authorities. Order is fixed, names are unique.
[[nodiscard]] std::vector<CertificateSpec> certificates_of(const MachineIdentity& identity,
                                                           std::chrono::seconds lifetime);

}  // namespace muster
