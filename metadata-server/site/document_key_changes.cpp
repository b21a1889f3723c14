#include "site/document_key_changes.hpp"

#include "document/document_keys.hpp"
#include "document/problem.hpp"
#include "site/all_records.hpp"
#include "site/audit.hpp"
#include "site/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Signs the changed list, writes and serves it.
Result<void> put_in_force(const TrustChange& change, const FoundSite& site, const TrustList& list,
                          Transaction& transaction) {
  if (auto put = put_trust_list(change.store, change.sealing, site, list, transaction); !put) {
    return put;
  }
  if (auto committed = change.store.commit(transaction); !committed) return committed;
  auto trust = load_trust(change.store);
  if (!trust) return pass(trust.error());
  change.keys.replace_trust(std::move(*trust));
  return {};
}

// What machines are served must stay verifiable: they refuse what a revoked key signed. The guards
// hold off a publication that is being made.
Result<void> check_unused(const Store& store, std::string_view key_id,
                          const std::string& servers_key, Transaction& transaction) {
  const auto records = all_records(store, kinds::cluster);
  if (!records) return pass(records.error());
  std::string clusters;
  for (const auto& record : *records) {
    const auto cluster = parse_cluster_record(record.value);
    if (!cluster) return context(cluster.error(), fmt::format("cluster '{}'", record.key));
    transaction.expect(kinds::cluster, record.key, record.version);
    if (signer_of(*cluster, servers_key) != key_id) continue;
    clusters += fmt::format("{}'{}'", clusters.empty() ? "" : ", ", cluster->name);
  }
  if (clusters.empty()) return {};
  return fail(ErrorKind::conflict,
              fmt::format("document key {}: it signed what the machines of {} are served, and they "
                          "would refuse it. Publish with another key first: muster apply DIR "
                          "--document-key FILE (without it this server's own key signs)",
                          in_ticks(key_id), clusters));
}

}  // namespace

Result<void> add_document_key(const TrustChange& change, const DocumentKey& key) {
  const auto site = find_site(change.store);
  if (!site) return pass(site.error());
  const auto trust = load_trust(change.store);
  if (!trust) return pass(trust.error());
  const auto list = add_document_key(trust->list, key);
  if (!list) return pass(list.error());
  Transaction transaction;
  append_audit(transaction, change.now, change.actor, "document-key-added",
               PublicKey::from_pem(key.public_key)->fingerprint(),
               fmt::format("scope {}, trust list version {}", key.scope, list->version));
  return put_in_force(change, *site, *list, transaction);
}

Result<void> revoke_document_key(const TrustChange& change, std::string_view key_id) {
  const auto site = find_site(change.store);
  if (!site) return pass(site.error());
  const auto trust = load_trust(change.store);
  if (!trust) return pass(trust.error());
  const auto list = revoke_document_key(trust->list, key_id);
  if (!list) return pass(list.error());
  Transaction transaction;
  if (auto unused = check_unused(change.store, key_id, site->record.document_key, transaction);
      !unused) {
    return unused;
  }
  append_audit(transaction, change.now, change.actor, "document-key-revoked", key_id,
               fmt::format("trust list version {}", list->version));
  return put_in_force(change, *site, *list, transaction);
}

}  // namespace muster
