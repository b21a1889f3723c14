// AES-256-GCM for CA keys and secrets at rest. The additional data names the row
// ("secret|lab|db|3"), so a ciphertext moved to another row does not open.
#pragma once

#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

class SealingKey {
 public:
  // 32 raw bytes from `path` (a systemd credential or a file of mode 0600 or stricter, else
  // refused).
  [[nodiscard]] static Result<SealingKey> load(const std::string& path);
  // Creates the file (0600, fsynced) when it is missing, else loads it.
  [[nodiscard]] static Result<SealingKey> load_or_create(const std::string& path);
  // version byte | 12-byte random nonce | ciphertext | 16-byte tag
  [[nodiscard]] Result<std::string> seal(std::string_view plaintext, std::string_view row) const;
  [[nodiscard]] Result<std::string> open(std::string_view sealed,
                                         std::string_view row) const;  // corrupt
  explicit SealingKey(std::string bytes) : bytes_(std::move(bytes)) {}
  // For a backup, which is encrypted, and for nothing else.
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace muster
