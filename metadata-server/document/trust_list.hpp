// What the pin on the site key unlocks: the CAs of the server's TLS, the document keys with their
// scopes, the server's addresses. Signed by the site key. Format: document/README.md, "Trust list".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "document/signed_document.hpp"
#include "pki/private_key.hpp"
#include "result/result.hpp"

namespace muster {

struct DocumentKey {
  std::string public_key;  // PEM, Ed25519
  std::string scope;       // "site", "cluster/NAME", "pool/CLUSTER/NAME" or "image"
};

struct ServerAddresses {
  std::vector<std::string> boot;   // "http://10.77.0.1:8080"
  std::vector<std::string> enrol;  // "https://10.77.0.1:8443"
  std::vector<std::string> node;   // "https://10.77.0.1:8444"
};

struct TrustList {
  std::string site;                             // fingerprint of the current site key
  std::uint64_t version = 0;                    // grows; an older list is refused
  std::string site_key;                         // PEM of the current site key (public)
  std::vector<std::string> server_authorities;  // PEM CA certificates of the server's TLS
  std::vector<DocumentKey> document_keys;
  ServerAddresses servers;
};

[[nodiscard]] std::string to_canonical_json(const TrustList& list);
[[nodiscard]] Result<TrustList> parse_trust_list(std::string_view json);

// Verifies an envelope against a pin ("sha256:...", the fingerprint of a site key). A chain of
// envelopes (oldest first) lets a machine that pinned an old site key follow to the newest: each
// list is signed by the key it replaces or by its own. Refuses a list older than `minimum_version`.
[[nodiscard]] Result<TrustList> verify_trust_list(const std::vector<Envelope>& chain,
                                                  std::string_view pin,
                                                  std::uint64_t minimum_version);

// The document key that may sign for `cluster` ("" = any site-wide) and has this key id.
[[nodiscard]] Result<PublicKey> find_document_key(const TrustList& list, std::string_view key_id,
                                                  std::string_view cluster,
                                                  std::string_view pool = {});
// The key that may sign images' manifests: one of the scope "image", and no other.
[[nodiscard]] Result<PublicKey> find_image_key(const TrustList& list, std::string_view key_id);

}  // namespace muster
