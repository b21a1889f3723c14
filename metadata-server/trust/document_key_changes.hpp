// Who may sign documents for this site: changes of the trust list, signed by the site key here or
// where it was taken. Each is one transaction with its audit row. conflict: somebody else changed
// the list meanwhile, or machines are served what a key signed that would lose its scope; they
// would refuse it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trust/site_keys.hpp"

namespace muster {

struct TrustChange {
  Store& store;
  const SealingKey& sealing;
  SiteKeys& keys;
  std::string actor;
  TimePoint now;
};

// Otherwise as document/document_keys says; conflict also where the site key is not here.
[[nodiscard]] Result<void> add_document_key(const TrustChange& change, const DocumentKey& key);
[[nodiscard]] Result<void> revoke_document_key(const TrustChange& change, std::string_view key_id);
// A list that was signed where the site key is. forbidden: by another key. invalid: it changes more
// than document keys.
[[nodiscard]] Result<void> accept_trust_list(const TrustChange& change, const Envelope& list);

}  // namespace muster
