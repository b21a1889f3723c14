#include "trust/site_key_custody.hpp"

#include "records/audit.hpp"
#include "store/kinds.hpp"
#include "trust/site_trust.hpp"

namespace muster {

namespace {

Result<void> replace_unlisted_document_key(const Store& store, const SealingKey& sealing,
                                           const FoundSite& site, Transaction& transaction) {
  const auto trust = load_trust(store);
  if (!trust) return pass(trust.error());
  SiteRecord record = site.record;
  for (const DocumentKey& entry : trust->list.document_keys) {
    const auto key = PublicKey::from_pem(entry.public_key);
    if (key && key->fingerprint() == record.document_key) return {};
  }
  const auto fresh = PrivateKey::generate_ed25519();
  if (!fresh) return pass(fresh.error());
  if (auto put = put_key(*fresh, kinds::document_key, sealing, transaction); !put) return put;
  transaction.remove(kinds::document_key, record.document_key);
  record.document_key = fresh->public_key().fingerprint();
  return put_site(site, record, transaction);
}

bool holds(const NewKeyFile& file, const std::string& id) {
  const auto key = PrivateKey::from_pem(file.found().value_or(""));
  return key && key->public_key().fingerprint() == id;
}

}  // namespace

Result<SiteKeyTaken> take_site_key(Store& store, const SealingKey& sealing, NewKeyFile file,
                                   TimePoint now) {
  const auto site = find_site(store);
  if (!site) return pass(site.error());
  const std::string& id = site->record.site_key;
  const auto record = store.get(kinds::site_key, id);
  if (!record && record.error().kind == ErrorKind::not_found) {
    if (holds(file, id)) return SiteKeyTaken::before;
    return fail(ErrorKind::conflict,
                fmt::format("the site key {} was taken away from this server before", id));
  }
  const auto key = load_key(store, kinds::site_key, id, sealing);
  if (!key) return pass(key.error());
  const bool is_again = file.found().has_value();
  if (auto written = file.write(*key); !written) return pass(written.error());
  Transaction transaction;
  transaction.expect(kinds::site_key, id, record->version).remove(kinds::site_key, id);
  if (auto replaced = replace_unlisted_document_key(store, sealing, *site, transaction);
      !replaced) {
    return pass(replaced.error());
  }
  append_audit(transaction, now, "server", "site-key-taken", id);
  if (auto done = commit(store, transaction); !done) return pass(done.error());
  return is_again ? SiteKeyTaken::completed : SiteKeyTaken::now;
}

Result<void> return_site_key(Store& store, const SealingKey& sealing, const PrivateKey& key,
                             TimePoint now) {
  const auto site = find_site(store);
  if (!site) return pass(site.error());
  const std::string id = key.public_key().fingerprint();
  if (id != site->record.site_key) {
    return fail(ErrorKind::invalid,
                fmt::format("site key: expected {}, found {}", site->record.site_key, id));
  }
  if (store.get(kinds::site_key, id)) {
    return fail(ErrorKind::conflict, fmt::format("the site key {} is on this server", id));
  }
  Transaction transaction;
  if (auto put = put_key(key, kinds::site_key, sealing, transaction); !put) return put;
  append_audit(transaction, now, "server", "site-key-returned", id);
  return commit(store, transaction);
}

}  // namespace muster
