// What makes this server the server of its site: the site key that machines pin, the trust list it
// signs, the document key, and the authorities of machine identities and of the server's TLS. Made
// once (`muster init`), sealed in the store. Of an object only the trust list changes. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "document/signed_document.hpp"
#include "pki/sealed_box.hpp"
#include "pki/tls_settings.hpp"
#include "store/store.hpp"
#include "trust/site_trust.hpp"
#include "trust/stored_authority.hpp"

namespace muster {

class SiteKeys {
 public:
  // As the store has it. not_found: no site yet, run `muster init`. corrupt: another sealing key.
  [[nodiscard]] static Result<SiteKeys> load(const Store& store, const SealingKey& sealing);

  // The pin: fingerprint of the site key.
  [[nodiscard]] const std::string& site() const { return site_; }
  [[nodiscard]] std::shared_ptr<const SiteTrust> trust() const { return trust_->get(); }
  // After a change of the trust list was committed.
  void replace_trust(SiteTrust trust) { trust_->replace(std::move(trust)); }
  // The document key of this server, which signs only where the trust list vouches for it.
  [[nodiscard]] const PrivateKey& document_key() const { return document_key_; }
  [[nodiscard]] const std::string& document_key_id() const { return document_key_id_; }
  [[nodiscard]] const StoredAuthority& machines() const { return machines_; }
  [[nodiscard]] const StoredAuthority& servers() const { return servers_; }
  // By which addresses this server is reached, where the trust list does not name them yet.
  void also_at(ServerAddresses addresses) { also_ = std::move(addresses); }
  // A new key and certificate for the server's own listeners, good for every host in the trust
  // list's addresses, also_at() and localhost; the client authorities are those of machine
  // identities.
  [[nodiscard]] Result<TlsServerSettings> server_tls(ClientCertificate client_certificate,
                                                     std::chrono::seconds lifetime,
                                                     TimePoint now) const;

 private:
  SiteKeys(StoredAuthority machines, StoredAuthority servers, PrivateKey document_key,
           SiteTrust trust)
      : site_(trust.list.site),
        machines_(std::move(machines)),
        servers_(std::move(servers)),
        document_key_(std::move(document_key)),
        document_key_id_(document_key_.public_key().fingerprint()),
        trust_(std::make_unique<CurrentTrust>(std::move(trust))) {}
  std::string site_;
  StoredAuthority machines_, servers_;
  PrivateKey document_key_;
  std::string document_key_id_;
  ServerAddresses also_;
  std::unique_ptr<CurrentTrust> trust_;
};

// `muster init`. Makes what is missing in one transaction; a site that is there is only opened.
[[nodiscard]] Result<SiteKeys> initialise_site(Store& store, const SealingKey& sealing,
                                               const ServerAddresses& addresses, TimePoint now);
// Signs a new trust list (the next version) only where its addresses or authorities are not what
// the newest one says, or that is of an earlier epoch. Without the site key (site_key_custody) the
// newest one stays.
[[nodiscard]] Result<void> renew_trust(Store& store, const SealingKey& sealing, SiteKeys& keys,
                                       const ServerAddresses& addresses);
// Loads, and renews the trust list; not while a cluster is sealed, since a machine may know a newer
// one, by which a key was revoked.
[[nodiscard]] Result<SiteKeys> open_site(Store& store, const SealingKey& sealing,
                                         const ServerAddresses& addresses);
// A new site key, vouched for by the present one. Machines that pinned any earlier key follow the
// chain; settings and boot media should be given the new pin.
[[nodiscard]] Result<SiteKeys> rotate_site_key(Store& store, const SealingKey& sealing,
                                               std::string_view actor, TimePoint now);

}  // namespace muster
