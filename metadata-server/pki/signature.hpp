// Digests, encodings and random bytes. All pure but the random ones; thread-safe.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

[[nodiscard]] std::string sha256_digest(std::string_view bytes);  // "sha256:" + 64 hex digits

// The same for bytes that arrive in pieces.
class DigestStream {
 public:
  DigestStream();
  void update(std::string_view bytes);
  [[nodiscard]] std::string finish();  // once

 private:
  std::shared_ptr<EVP_MD_CTX> context_;
};

[[nodiscard]] bool is_digest(std::string_view text);  // "sha256:" + 64 lower-case hex digits
[[nodiscard]] std::string base64_encode(std::string_view bytes);
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);  // strict, padded
[[nodiscard]] std::string hex_encode(std::string_view bytes);
// HMAC (RFC 2104) with SHA-256, 32 raw bytes. Compare with equal_secrets.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view message);
[[nodiscard]] std::string random_bytes(
    std::size_t count);  // of the operating system; aborts if it has none
// Comparison whose time does not depend on the content.
[[nodiscard]] bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace muster
