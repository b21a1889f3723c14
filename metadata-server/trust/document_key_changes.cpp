#include "trust/document_key_changes.hpp"

#include <algorithm>

#include "document/document_keys.hpp"
#include "document/signed_document.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/published_document.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// The list as it is, and the record that guards it.
struct Present {
  FoundSite site;
  TrustList list;
};

Result<Present> find_present(const Store& store) {
  auto site = find_site(store);
  if (!site) return pass(site.error());
  auto trust = load_trust(store);
  if (!trust) return pass(trust.error());
  return Present{std::move(*site), std::move(trust->list)};
}

// Who signed what the cluster's machines are served. Of a record that cannot be read, its peer list
// tells; where neither can be, its machines are served nothing of it: "".
std::string signer_of(const Store& store, const Record& record, const std::string& own_key) {
  if (const auto cluster = parse_cluster_record(record.value)) return signer_of(*cluster, own_key);
  const auto peers = store.get(kinds::peers, record.key);
  if (!peers) return {};
  const auto published = parse_published_document(peers->value);
  if (!published) return {};
  const auto envelope = parse_envelope(published->envelope);
  return envelope ? envelope->key_id : std::string();
}

// What machines are served must stay verifiable. The guards hold off a publication that is being
// made.
Result<void> check_covered(const TrustChange& change, const Present& present, const TrustList& list,
                           Transaction& transaction) {
  const auto records = all_records(change.store, kinds::cluster);
  if (!records) return pass(records.error());
  std::string uncovered;
  for (const auto& record : *records) {
    transaction.expect(kinds::cluster, record.key, record.version);
    const std::string signer = signer_of(change.store, record, present.site.record.document_key);
    if (signer.empty() || find_document_key(list, signer, record.key)) continue;
    uncovered += fmt::format("\ncluster '{}': document key {}", record.key, signer);
  }
  if (uncovered.empty()) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "machines are served what these keys signed, and would refuse it. Publish with another key first: muster apply DIR --document-key FILE (without it this server's own key signs):{}",
          uncovered));
}

void audit_difference(const TrustChange& change, const TrustList& from, const TrustList& to,
                      Transaction& transaction) {
  const auto rows = [&](const TrustList& has, const TrustList& lacks, std::string_view action) {
    for (const DocumentKey& key : has.document_keys) {
      const auto is_same = [&](const DocumentKey& other) {
        return other.public_key == key.public_key && other.scope == key.scope;
      };
      const auto& others = lacks.document_keys;
      if (std::any_of(others.begin(), others.end(), is_same)) continue;
      append_audit(transaction, change.now, change.actor, action,
                   PublicKey::from_pem(key.public_key)->fingerprint(),
                   fmt::format("scope {}, trust list version {}", key.scope, to.version));
    }
  };
  rows(to, from, "document-key-added");
  rows(from, to, "document-key-revoked");
}

Result<void> put_in_force(const TrustChange& change, const Present& present, const TrustList& list,
                          Envelope envelope) {
  Transaction transaction;
  if (auto covered = check_covered(change, present, list, transaction); !covered) return covered;
  audit_difference(change, present.list, list, transaction);
  if (auto put = put_trust_list(present.site, std::move(envelope), transaction); !put) return put;
  if (auto committed = change.store.commit(transaction); !committed) return pass(committed.error());
  auto trust = load_trust(change.store);
  if (!trust) return pass(trust.error());
  change.keys.replace_trust(std::move(*trust));
  return {};
}

Result<void> sign_and_put(const TrustChange& change, const Present& present,
                          const Result<TrustList>& list) {
  if (!list) return pass(list.error());
  auto envelope = sign_trust_list(change.store, change.sealing, present.site, *list);
  if (!envelope) return pass(envelope.error());
  return put_in_force(change, present, *list, std::move(*envelope));
}

}  // namespace

Result<void> add_document_key(const TrustChange& change, const DocumentKey& key) {
  const auto present = find_present(change.store);
  if (!present) return pass(present.error());
  return sign_and_put(change, *present, add_document_key(present->list, key));
}

Result<void> revoke_document_key(const TrustChange& change, std::string_view key_id) {
  const auto present = find_present(change.store);
  if (!present) return pass(present.error());
  return sign_and_put(change, *present, revoke_document_key(present->list, key_id));
}

Result<void> accept_trust_list(const TrustChange& change, const Envelope& envelope) {
  const auto present = find_present(change.store);
  if (!present) return pass(present.error());
  const auto site_key = PublicKey::from_pem(present->list.site_key);
  if (!site_key) return pass(site_key.error());
  if (auto sound = verify_envelope(envelope, trust_list_type, *site_key); !sound) {
    return fail(ErrorKind::forbidden, "trust list: " + sound.error().message);
  }
  const auto list = parse_trust_list(envelope.payload);
  if (!list) return pass(list.error());
  TrustList expected = present->list;
  if (list->version != expected.version + 1) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "trust list: expected version {}, found {}: somebody else changed it meanwhile; run it again",
            expected.version + 1, list->version));
  }
  expected.version = list->version;
  expected.document_keys = list->document_keys;
  if (to_canonical_json(expected) != to_canonical_json(*list)) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "trust list: expected the site key, addresses and authorities of version {}, found others",
            present->list.version));
  }
  return put_in_force(change, *present, *list, envelope);
}

}  // namespace muster
