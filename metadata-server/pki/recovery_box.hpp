// Files that only a recovery key opens, which is kept elsewhere: CMS AuthEnvelopedData (RFC 5083),
// AES-256-GCM, its key agreed on by P-256 with SHA-256. `openssl cms -decrypt -inform DER -inkey
// KEY` opens one, too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pki/certificate.hpp"
#include "result/result.hpp"

namespace muster {

// CMS names keys by certificates: a self-signed one of `key`, which must be of P-256.
[[nodiscard]] Result<Certificate> recovery_certificate(const PrivateKey& key);

// Encrypts as it is given bytes; nothing of them is kept in memory. Not thread-safe.
class RecoveryWriter {
 public:
  using Sink = std::function<Result<void>(std::string_view bytes)>;
  [[nodiscard]] static Result<RecoveryWriter> begin(const Certificate& recipient, Sink sink);
  RecoveryWriter(RecoveryWriter&&) noexcept;
  RecoveryWriter& operator=(RecoveryWriter&&) noexcept;
  ~RecoveryWriter();
  [[nodiscard]] Result<void> write(std::string_view bytes);
  [[nodiscard]] Result<void> finish();  // once; without it what was written opens with no key

 private:
  struct Impl;
  explicit RecoveryWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Decrypts what begins the file `from` into the new file `to` (0600), which is removed again where
// anything is wrong. forbidden: another key's, or altered.
[[nodiscard]] Result<void> open_recovery_file(const std::string& from, const PrivateKey& key,
                                              const std::string& to);
// The first bytes of what is inside, at most `size`. Nothing vouches for them alone: of a file that
// was verified otherwise.
[[nodiscard]] Result<std::string> read_recovery_start(const std::string& from,
                                                      const PrivateKey& key, std::size_t size);

}  // namespace muster
