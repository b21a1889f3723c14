// What of the site lies in the store: kind "site" (which keys are current, and the signed chain)
// and the keys themselves, sealed, in kinds "site-key" and "document-key". For site_keys.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "document/signed_document.hpp"
#include "pki/sealed_box.hpp"
#include "store/store.hpp"

namespace muster {

struct SiteRecord {
  std::string site_key;         // fingerprint of the current one
  std::string document_key;     // key id of the one that signs, scope "site"
  std::vector<Envelope> chain;  // trust lists, oldest first
};

struct FoundSite {
  SiteRecord record;
  std::uint64_t version = 0;
};
// not_found: no site yet, with the cure.
[[nodiscard]] Result<FoundSite> find_site(const Store& store);
[[nodiscard]] Result<void> check_site_record(std::string_view json);
// Guards by the version of `before` (0: there must be none). conflict: another trust list than
// before, whose version is not above that one's.
[[nodiscard]] Result<void> put_site(const FoundSite& before, const SiteRecord& record,
                                    Transaction& transaction);

// `kind`: kinds::site_key or kinds::document_key; the record's key is the fingerprint.
[[nodiscard]] Result<void> put_key(const PrivateKey& key, std::string_view kind,
                                   const SealingKey& sealing, Transaction& transaction);
[[nodiscard]] Result<PrivateKey> load_key(const Store& store, std::string_view kind,
                                          std::string_view fingerprint, const SealingKey& sealing);

// Whether it has the fields of one; its key is opened by load_key alone.
[[nodiscard]] Result<void> check_key_record(std::string_view json);

// {"chain":[envelope,...]}
[[nodiscard]] std::string trust_answer_text(const std::vector<Envelope>& chain);

}  // namespace muster
