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
  std::uint64_t epoch = 0;     // records/epoch: of two, the one with the higher is the newer,
  std::uint64_t revision = 0;  // then that of the higher revision of the store (at least)
  std::uint64_t damaged = 0;   // records that could not be read when it was made
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
// `header`: what the caller knows; the key's, size and digest are found here.
[[nodiscard]] Result<WrittenBackup> write_backup(const std::string& path,
                                                 const BackupContent& content, BackupHeader header,
                                                 const Certificate& recovery_key,
                                                 const BackupSigner& signer, TimePoint now);

struct VerifiedBackup {
  BackupHeader header;
  ServerAddresses servers;  // by which machines know the server
  std::string digest;       // of the whole file
};
// Whole, and signed for the site that `pin` names, by its own chain of trust lists. forbidden: by
// another. corrupt: it is no backup, cut off or altered.
[[nodiscard]] Result<VerifiedBackup> verify_backup(const std::string& path, std::string_view pin);

// forbidden: the file is another key's, by their fingerprints: OpenSSL knows no key by its name.
[[nodiscard]] Result<void> check_recovery_key(const std::string& path, const BackupHeader& header,
                                              const PrivateKey& recovery_key);
// Decrypts a file that was verified; the database goes into the new file `database`, beside which a
// file of its size is written meanwhile. forbidden: as above.
[[nodiscard]] Result<BackupContent> open_backup(const std::string& path, const BackupHeader& header,
                                                const PrivateKey& recovery_key,
                                                const std::string& database);
// The settings alone, before anybody knows where the rest belongs.
[[nodiscard]] Result<std::string> read_backup_settings(const std::string& path,
                                                       const BackupHeader& header,
                                                       const PrivateKey& recovery_key);

}  // namespace muster
