// Changes of a trust list's document keys: who may sign what machines are served. Pure; whoever
// holds the site key signs the changed list, which has the next version.
#pragma once

#include <string_view>

#include "document/trust_list.hpp"

namespace muster {

// invalid: no public Ed25519 key in PEM, or no scope. conflict: it signs in this scope already.
[[nodiscard]] Result<TrustList> add_document_key(TrustList list, const DocumentKey& key);
// The key loses every scope it has. not_found: it has none. conflict: no key would be left.
[[nodiscard]] Result<TrustList> revoke_document_key(TrustList list, std::string_view key_id);

}  // namespace muster
