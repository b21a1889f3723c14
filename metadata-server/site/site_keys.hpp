// What makes this server the server of its site: the site key that machines pin, the trust list it
// signs, the document key, and the authorities of machine identities and of the server's TLS. Made
// once (`muster init`), sealed in the store. An object is immutable: any thread may use it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/signed_document.hpp"
#include "document/trust_list.hpp"
#include "pki/sealed_box.hpp"
#include "pki/tls_settings.hpp"
#include "site/stored_authority.hpp"
#include "store/store.hpp"

namespace muster {

class SiteKeys {
 public:
  // As the store has it. not_found: no site yet, run `muster init`. corrupt: another sealing key.
  [[nodiscard]] static Result<SiteKeys> load(const Store& store, const SealingKey& sealing);

  // The pin: fingerprint of the site key.
  [[nodiscard]] const std::string& site() const { return trust_.site; }
  [[nodiscard]] const TrustList& trust_list() const { return trust_; }
  // Oldest first: per site key that ever was, its own list and the one that hands over to the next.
  [[nodiscard]] const std::vector<Envelope>& trust_chain() const { return chain_; }
  // GET /v1/trust: {"chain":[envelope,...]}
  [[nodiscard]] const std::string& trust_answer() const { return trust_answer_; }
  // With the document key of scope "site".
  [[nodiscard]] Result<Envelope> sign(std::string_view payload_type, std::string payload) const;
  [[nodiscard]] const StoredAuthority& machines() const { return machines_; }
  [[nodiscard]] const StoredAuthority& servers() const { return servers_; }
  // A new key and certificate for the server's own listeners, good for every host in the trust
  // list's addresses and for localhost; the client authorities are those of machine identities.
  [[nodiscard]] Result<TlsServerSettings> server_tls(ClientCertificate client_certificate,
                                                     std::chrono::seconds lifetime,
                                                     TimePoint now) const;

 private:
  SiteKeys(StoredAuthority machines, StoredAuthority servers, PrivateKey document_key)
      : machines_(std::move(machines)),
        servers_(std::move(servers)),
        document_key_(std::move(document_key)) {}
  StoredAuthority machines_, servers_;
  PrivateKey document_key_;
  TrustList trust_;
  std::vector<Envelope> chain_;
  std::string trust_answer_;
};

// `muster init`. Makes what is missing in one transaction; a site that is there is only opened.
[[nodiscard]] Result<SiteKeys> initialise_site(Store& store, const SealingKey& sealing,
                                               const ServerAddresses& addresses, TimePoint now);
// Loads, and signs a new trust list (version + 1) only where its content (addresses, authorities,
// keys) is not what the newest one says.
[[nodiscard]] Result<SiteKeys> open_site(Store& store, const SealingKey& sealing,
                                         const ServerAddresses& addresses);
// A new site key, vouched for by the present one. Machines that pinned any earlier key follow the
// chain; settings and boot media should be given the new pin.
[[nodiscard]] Result<SiteKeys> rotate_site_key(Store& store, const SealingKey& sealing,
                                               std::string_view actor, TimePoint now);

}  // namespace muster
