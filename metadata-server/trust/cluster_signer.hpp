// Who signs what a cluster is served: this server's document key, or an operator with a key that is
// not here. Either is held to the trust list. Values; what they are made of must outlive them.
#pragma once

#include <string>

#include "document/detached_signature.hpp"
#include "trust/site_keys.hpp"

namespace muster {

class ClusterSigner {
 public:
  // conflict: the trust list vouches for no key of this server in this cluster.
  [[nodiscard]] static Result<ClusterSigner> here(const SiteKeys& keys, const TrustList& trust,
                                                  const std::string& cluster);
  // forbidden: the trust list does not vouch for the key in this cluster.
  [[nodiscard]] static Result<ClusterSigner> away(const ClusterSignatures& signatures,
                                                  const TrustList& trust,
                                                  const std::string& cluster);

  [[nodiscard]] const std::string& key_id() const { return key_id_; }
  [[nodiscard]] bool is_away() const { return signatures_ != nullptr; }
  // Away from here: conflict where something else or nothing was signed, with the cure; forbidden
  // where the signature is not this key's.
  [[nodiscard]] Result<Envelope> sign_document(const std::string& node, std::string payload) const;
  [[nodiscard]] Result<Envelope> sign_peers(std::string payload) const;
  [[nodiscard]] Result<Envelope> sign_tombstone(std::string payload) const;

 private:
  ClusterSigner(PublicKey key, const PrivateKey* own, const ClusterSignatures* signatures)
      : key_(std::move(key)), key_id_(key_.fingerprint()), own_(own), signatures_(signatures) {}
  [[nodiscard]] Result<Envelope> sign(std::string_view type, std::string payload,
                                      const DetachedSignature* detached) const;
  PublicKey key_;
  std::string key_id_;
  const PrivateKey* own_;
  const ClusterSignatures* signatures_;
};

// By the trust list as it is in the store, which the transaction guards; read only where it moved.
// `signatures`: of whom signed away from here; nullptr: here. Errors as above.
[[nodiscard]] Result<ClusterSigner> choose_signer(const Store& store, const SiteKeys& keys,
                                                  const ClusterSignatures* signatures,
                                                  const std::string& cluster,
                                                  Transaction& transaction);

}  // namespace muster
