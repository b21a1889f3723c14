// Who may sign documents for this site: changes of the trust list that the server's site key signs.
// Each is one transaction with its audit row. conflict: somebody else changed the list meanwhile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "site/site_keys.hpp"

namespace muster {

struct TrustChange {
  Store& store;
  const SealingKey& sealing;
  SiteKeys& keys;
  std::string actor;
  TimePoint now;
};

// invalid, conflict: as document/document_keys says.
[[nodiscard]] Result<void> add_document_key(const TrustChange& change, const DocumentKey& key);
// conflict: machines are served what this key signed; they would refuse it.
[[nodiscard]] Result<void> revoke_document_key(const TrustChange& change, std::string_view key_id);

}  // namespace muster
