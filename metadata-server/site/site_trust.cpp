#include "site/site_trust.hpp"

#include "store/kinds.hpp"

namespace muster {

Result<SiteTrust> load_trust(const Store& store) {
  auto site = find_site(store);
  if (!site) return pass(site.error());
  auto list = verify_trust_list(site->record.chain, site->record.site_key, 0);
  if (!list) return context(list.error(), "the site's own trust list");
  SiteTrust trust;
  trust.list = std::move(*list);
  trust.answer = trust_answer_text(site->record.chain);
  trust.chain = std::move(site->record.chain);
  trust.version = site->version;
  return trust;
}

Result<void> put_trust_list(const Store& store, const SealingKey& sealing, const FoundSite& site,
                            const TrustList& list, Transaction& transaction) {
  const auto site_key = load_key(store, kinds::site_key, site.record.site_key, sealing);
  if (!site_key) return pass(site_key.error());
  auto envelope = sign_envelope(trust_list_type, to_canonical_json(list), *site_key);
  if (!envelope) return pass(envelope.error());
  SiteRecord record = site.record;
  record.chain.back() = std::move(*envelope);  // the newest is always the current key's own
  put_site(record, site.version, transaction);
  return {};
}

std::shared_ptr<const SiteTrust> CurrentTrust::get() const {
  const std::lock_guard lock(mutex_);
  return trust_;
}

void CurrentTrust::replace(SiteTrust trust) {
  auto made = std::make_shared<const SiteTrust>(std::move(trust));
  const std::lock_guard lock(mutex_);
  if (trust_->list.version > made->list.version) return;
  trust_.swap(made);
}

}  // namespace muster
