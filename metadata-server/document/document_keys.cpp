#include "document/document_keys.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "document/problem.hpp"

namespace muster {

Result<TrustList> add_document_key(TrustList list, const DocumentKey& key) {
  const auto added = PublicKey::from_pem(key.public_key);
  if (!added) return while_doing(added.error(), "document key: expected a public key in PEM");
  if (EVP_PKEY_get_base_id(added->native()) != EVP_PKEY_ED25519) {
    return fail(
        ErrorKind::invalid,
        "document key: expected an Ed25519 key, found another kind. `muster document-key create` makes one");
  }
  const std::string pem = added->pem();
  for (const DocumentKey& entry : list.document_keys) {
    if (entry.public_key != pem || entry.scope != key.scope) continue;
    return fail(ErrorKind::conflict,
                fmt::format("document key {}: it signs in the scope {} already",
                            added->fingerprint(), in_ticks(key.scope)));
  }
  list.document_keys.push_back({pem, key.scope});
  ++list.version;
  // Reading it again holds the scope to the format's rules.
  return parse_trust_list(to_canonical_json(list));
}

Result<TrustList> revoke_document_key(TrustList list, std::string_view key_id) {
  const auto is_revoked = [&](const DocumentKey& entry) {
    const auto key = PublicKey::from_pem(entry.public_key);
    return key && key->fingerprint() == key_id;
  };
  if (std::erase_if(list.document_keys, is_revoked) == 0) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "document key {}: the trust list has none with this id. `muster document-key list` shows them",
            in_ticks(key_id)));
  }
  const auto signs_images = [](const DocumentKey& entry) { return entry.scope == "image"; };
  if (std::all_of(list.document_keys.begin(), list.document_keys.end(), signs_images)) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "document key {}: it is the only one. Add another first: muster document-key add PUBLIC.pem",
            in_ticks(key_id)));
  }
  ++list.version;
  return list;
}

}  // namespace muster
