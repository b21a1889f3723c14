#include "trust/cluster_signer.hpp"

#include "document/tombstone.hpp"
#include "store/kinds.hpp"
#include "trust/site_trust.hpp"

namespace muster {

Result<ClusterSigner> ClusterSigner::here(const SiteKeys& keys, const TrustList& trust,
                                          const std::string& cluster) {
  const auto key = find_document_key(trust, keys.document_key_id(), cluster);
  if (key) return ClusterSigner(*key, &keys.document_key(), nullptr);
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "cluster '{}': this server may not sign for it. Sign with a key that may (`muster document-key list`): muster apply DIR --document-key FILE",
          cluster));
}

Result<ClusterSigner> ClusterSigner::away(const ClusterSignatures& signatures,
                                          const TrustList& trust, const std::string& cluster) {
  const auto key = find_document_key(trust, signatures.key_id, cluster);
  if (key) return ClusterSigner(*key, nullptr, &signatures);
  return fail(
      ErrorKind::forbidden,
      fmt::format(
          "cluster '{}': {}. `muster document-key list` shows which keys may sign; `muster document-key add` makes it one of them",
          cluster, key.error().message));
}

Result<Envelope> ClusterSigner::sign(std::string_view type, std::string payload,
                                     const DetachedSignature* detached) const {
  if (own_ != nullptr) return sign_envelope(type, std::move(payload), *own_, key_id_);
  Result<Envelope> envelope =
      detached == nullptr ? Result<Envelope>(fail(ErrorKind::conflict, "found no signature"))
                          : attach(*detached, type, std::move(payload), key_);
  if (envelope || envelope.error().kind != ErrorKind::conflict) return envelope;
  return fail(
      ErrorKind::conflict,
      envelope.error().message +
          ". What was signed is not what this server compiles: it learned something since (a release, a secret, a ban), or `muster` is of another version. Nothing was published; run `muster apply` again");
}

Result<Envelope> ClusterSigner::sign_document(const std::string& node, std::string payload) const {
  const DetachedSignature* detached = nullptr;
  if (signatures_ != nullptr) {
    const auto found = signatures_->documents.find(node);
    if (found != signatures_->documents.end()) detached = &found->second;
  }
  return sign(node_document_type, std::move(payload), detached);
}

Result<Envelope> ClusterSigner::sign_peers(std::string payload) const {
  return sign(peer_list_type, std::move(payload),
              signatures_ == nullptr ? nullptr : &signatures_->peers);
}

Result<Envelope> ClusterSigner::sign_tombstone(std::string payload) const {
  return sign(tombstone_type, std::move(payload), nullptr);
}

Result<ClusterSigner> choose_signer(const Store& store, const SiteKeys& keys,
                                    const ClusterSignatures* signatures, const std::string& cluster,
                                    Transaction& transaction) {
  auto trust = keys.trust();
  const auto record = store.get(kinds::site, kinds::site_settings_key);
  if (!record || record->version != trust->version) {
    auto read = load_trust(store);
    if (!read) return pass(read.error());
    trust = std::make_shared<const SiteTrust>(std::move(*read));
  }
  transaction.expect(kinds::site, kinds::site_settings_key, trust->version);
  if (signatures == nullptr) return ClusterSigner::here(keys, trust->list, cluster);
  return ClusterSigner::away(*signatures, trust->list, cluster);
}

}  // namespace muster
