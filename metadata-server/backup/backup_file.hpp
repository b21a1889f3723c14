// A backup as a file: what only the recovery key opens (pki/recovery_box) first, then what anybody
// may read, signed by the site, and where that begins. So `openssl cms -decrypt -inform DER` opens
// one as it is. Format: README.md, "The file".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "document/trust_list.hpp"
#include "pki/certificate_authority.hpp"
#include "pki/recovery_box.hpp"

namespace muster {

// What anybody may read.
struct BackupHeader {
  std::string site;            // the pin
  std::string version;         // of the program that made it
  std::string recovery_key;    // fingerprint of the key that opens it
  std::int64_t made_at = 0;    // Unix seconds
  std::uint64_t revision = 0;  // of the store, at least
  std::uint64_t size = 0;      // of the encrypted part
  std::string digest;          // of the encrypted part
};

// What is encrypted.
struct BackupContent {
  std::string sealing_key;  // 32 bytes
  std::string settings;     // as the server read them
  std::string database;     // a file
};

struct BackupSigner {
  const CertificateAuthority& authority;  // of the server's TLS: the trust list vouches for it
  const std::vector<Envelope>& chain;     // that leads to the trust list
};

struct WrittenBackup {
  BackupHeader header;
  std::string digest;  // of the whole file
};
// Writes the whole file, durable when it returns; what was at `path` is replaced at the end.
// `header`: site, version, time and revision are the caller's.
[[nodiscard]] Result<WrittenBackup> write_backup(const std::string& path,
                                                 const BackupContent& content, BackupHeader header,
                                                 const Certificate& recovery_key,
                                                 const BackupSigner& signer, TimePoint now);

struct VerifiedBackup {
  BackupHeader header;
  ServerAddresses servers;  // by which machines know the server
};
// Whole, and signed for the site that `pin` names, by its own chain of trust lists. forbidden: by
// another. corrupt: it is no backup, cut off or altered.
[[nodiscard]] Result<VerifiedBackup> verify_backup(const std::string& path, std::string_view pin);

// Decrypts a file that was verified; the database goes into the new file `database`, beside which a
// file of its size is written meanwhile.
[[nodiscard]] Result<BackupContent> open_backup(const std::string& path,
                                                const PrivateKey& recovery_key,
                                                const std::string& database);

}  // namespace muster
