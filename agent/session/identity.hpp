// The machine's key pair for the metadata server and where it lies: key and certificate together in
// identities/SERIAL, behind one link, so that no crash leaves a key without its certificate.
#pragma once

#include <optional>
#include <string>

#include "agent/host/host.hpp"
#include "pki/certificate.hpp"
#include "pki/tls_settings.hpp"

namespace muster {

struct Identity {
  PrivateKey key;
  Certificate certificate;      // CN: node, OU: cluster
  std::string certificate_pem;  // chain included
  [[nodiscard]] std::string node() const { return certificate.common_name(); }
  [[nodiscard]] std::string cluster() const;
};

// nullopt: none yet. corrupt: unreadable, or key and certificate do not match.
[[nodiscard]] Result<std::optional<Identity>> load_identity(const Filesystem& files);
// Where the link to it is missing, or is none, and the newest pair of key and certificate is whole:
// puts the link back, and tells where it leads; empty: nothing was to be done. A pair from before
// the newest is never taken: its key was renewed away, and would look like a copy's.
[[nodiscard]] Result<std::string> put_identity_back(Filesystem& files);
// The key of an enrolment that is under way, made at the first call: a machine that waits for
// approval must come back with the same fingerprint after a reboot.
[[nodiscard]] Result<PrivateKey> key_for_enrolment(Filesystem& files);
// Makes it the identity in force; the one before is kept, older ones are removed.
[[nodiscard]] Result<Identity> keep_identity(Filesystem& files, const PrivateKey& key,
                                             const std::string& certificate_pem);
// For connections that present the identity and trust `authorities`.
[[nodiscard]] TlsClientSettings tls_of(const Identity& identity,
                                       const std::vector<std::string>& authorities);

}  // namespace muster
