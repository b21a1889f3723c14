// A certificate authority as it lies in the store: kind "authority", its key sealed. The first
// certificate issues; the others, older, are still trusted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate_authority.hpp"
#include "pki/sealed_box.hpp"
#include "store/store.hpp"

namespace muster {

// Whether a record of kind "authority" can be read; what it seals is not looked at.
[[nodiscard]] Result<void> check_authority_record(std::string_view json);

struct StoredAuthority {
  CertificateAuthority issuing;
  std::vector<Certificate> trusted;  // the issuing one first

  [[nodiscard]] std::vector<std::string> trusted_pem() const;
};

// A new authority of ten years, written by `transaction`, which fails where the record exists.
[[nodiscard]] Result<StoredAuthority> create_authority(std::string_view key,
                                                       std::string_view common_name,
                                                       const SealingKey& sealing,
                                                       Transaction& transaction);
// not_found; corrupt: the record does not open with this sealing key.
[[nodiscard]] Result<StoredAuthority> load_authority(const Store& store, std::string_view key,
                                                     const SealingKey& sealing);
// Only the certificates; nothing is unsealed.
[[nodiscard]] Result<std::vector<std::string>> load_trusted(const Store& store,
                                                            std::string_view key);

}  // namespace muster
