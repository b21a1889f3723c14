// When the certificates that this server issued or trusts end, for /metrics.
#pragma once

#include "fleet/fleet.hpp"

namespace muster {

struct CertificateExpiry {
  std::string cluster;         // "" for the site's own
  std::string name;            // of the authority or machine
  std::string kind;            // "authority", "server" or "machine"
  std::int64_t not_after = 0;  // Unix seconds
};

// The site's authorities, each cluster's, and every machine's identity; what cannot be read is left
// out. Reads the store.
[[nodiscard]] std::vector<CertificateExpiry> certificate_expiries(const Fleet& fleet);

}  // namespace muster
