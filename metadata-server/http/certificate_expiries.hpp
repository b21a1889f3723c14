// When the certificates that this server issued or trusts end, for /metrics.
#pragma once

#include "http/rooms.hpp"

namespace muster {

// The site's authorities, each cluster's, and every machine's identity; what cannot be read is left
// out. Reads the store.
[[nodiscard]] std::vector<CertificateExpiry> certificate_expiries(const Rooms& rooms);

}  // namespace muster
