#include "trust/site_trust.hpp"

#include "store/kinds.hpp"

namespace muster {

Result<SiteTrust> load_trust(const Store& store) {
  auto site = find_site(store);
  if (!site) return pass(site.error());
  auto list = verify_trust_list(site->record.chain, site->record.site_key, 0);
  if (!list) return while_doing(list.error(), "the site's own trust list");
  SiteTrust trust;
  trust.list = std::move(*list);
  trust.answer = trust_answer_text(site->record.chain);
  trust.chain = std::move(site->record.chain);
  trust.version = site->version;
  return trust;
}

Result<Envelope> sign_trust_list(const Store& store, const SealingKey& sealing,
                                 const FoundSite& site, const TrustList& list) {
  const auto site_key = load_key(store, kinds::site_key, site.record.site_key, sealing);
  if (site_key) return sign_envelope(trust_list_type, to_canonical_json(list), *site_key);
  if (site_key.error().kind != ErrorKind::not_found) return pass(site_key.error());
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "the site key {} was taken away from this server, which cannot change the trust list: repeat with --site-key FILE",
          site.record.site_key));
}

Result<void> put_trust_list(const FoundSite& site, Envelope list, Transaction& transaction) {
  SiteRecord record = site.record;
  record.chain.back() = std::move(list);  // the newest is always the current key's own
  return put_site(site, record, transaction);
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
