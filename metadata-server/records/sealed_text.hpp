// Private keys and secrets inside a record's JSON: sealed for that record alone, base64. Pure.
#pragma once

#include <string>
#include <string_view>

#include "pki/private_key.hpp"
#include "pki/sealed_box.hpp"
#include "result/result.hpp"

namespace muster {

[[nodiscard]] Result<std::string> seal_text(const SealingKey& sealing, std::string_view kind,
                                            std::string_view key, std::string_view plaintext);
// corrupt: it does not open for this record with this sealing key.
[[nodiscard]] Result<std::string> open_text(const SealingKey& sealing, std::string_view kind,
                                            std::string_view key, std::string_view sealed);
[[nodiscard]] Result<PrivateKey> open_key(const SealingKey& sealing, std::string_view kind,
                                          std::string_view key, std::string_view sealed);

}  // namespace muster
