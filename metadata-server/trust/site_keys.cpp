#include "trust/site_keys.hpp"

#include <algorithm>

#include "document/field_syntax.hpp"
#include "records/audit.hpp"
#include "records/epoch.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"
#include "trust/site_record.hpp"

namespace muster {

namespace {

Result<void> append(std::vector<Envelope>& chain, const TrustList& list, const PrivateKey& signer) {
  auto envelope = sign_envelope(trust_list_type, to_canonical_json(list), signer);
  if (!envelope) return pass(envelope.error());
  chain.push_back(std::move(*envelope));
  return {};
}

// "https://[fd00::1]:8443" -> "fd00::1"
std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.find(':')));
}

Subject server_subject(const ServerAddresses& addresses, const ServerAddresses& also) {
  Subject subject;
  // Not the authority's own name, or the certificate reads as self-signed.
  subject.common_name = "muster-server";
  subject.server = true;
  subject.dns_names = {"localhost"};
  subject.ip_addresses = {"127.0.0.1"};
  for (const auto* urls : {&addresses.enrol, &addresses.node, &also.enrol, &also.node}) {
    for (const auto& url : *urls) {
      std::string host = host_of(url);
      auto& names = is_ip(host) ? subject.ip_addresses : subject.dns_names;
      if (std::find(names.begin(), names.end(), host) == names.end()) {
        names.push_back(std::move(host));
      }
    }
  }
  return subject;
}

// Everything of a new site in one transaction: a half-made site cannot be.
Result<void> create_site(Store& store, const SealingKey& sealing, const ServerAddresses& addresses,
                         TimePoint now) {
  const auto site_key = PrivateKey::generate_ed25519();
  const auto document_key = PrivateKey::generate_ed25519();
  if (!site_key) return pass(site_key.error());
  if (!document_key) return pass(document_key.error());
  Transaction transaction;
  SiteRecord record;
  record.site_key = site_key->public_key().fingerprint();
  record.document_key = document_key->public_key().fingerprint();
  if (auto put = put_key(*site_key, kinds::site_key, sealing, transaction); !put) return put;
  if (auto put = put_key(*document_key, kinds::document_key, sealing, transaction); !put)
    return put;
  const auto machines =
      create_authority(kinds::machines_authority_key, "muster-machines", sealing, transaction);
  if (!machines) return pass(machines.error());
  const auto servers =
      create_authority(kinds::server_authority_key, "muster-servers", sealing, transaction);
  if (!servers) return pass(servers.error());
  TrustList list;
  list.site = record.site_key;
  list.version = 1;
  list.site_key = site_key->public_key().pem();
  list.server_authorities = servers->trusted_pem();
  list.document_keys = {{document_key->public_key().pem(), "site"}};
  list.servers = addresses;
  if (auto signed_list = append(record.chain, list, *site_key); !signed_list) return signed_list;
  if (auto put = put_site({}, record, transaction); !put) return put;
  append_audit(transaction, now, "server", "site-created", record.site_key);
  return commit(store, transaction);
}

}  // namespace

Result<SiteKeys> SiteKeys::load(const Store& store, const SealingKey& sealing) {
  const auto site = find_site(store);
  if (!site) return pass(site.error());
  auto machines = load_authority(store, kinds::machines_authority_key, sealing);
  if (!machines) return pass(machines.error());
  auto servers = load_authority(store, kinds::server_authority_key, sealing);
  if (!servers) return pass(servers.error());
  auto document_key = load_key(store, kinds::document_key, site->record.document_key, sealing);
  if (!document_key) return pass(document_key.error());
  auto trust = load_trust(store);
  if (!trust) return pass(trust.error());
  return SiteKeys(std::move(*machines), std::move(*servers), std::move(*document_key),
                  std::move(*trust));
}

Result<TlsServerSettings> SiteKeys::server_tls(ClientCertificate client_certificate,
                                               std::chrono::seconds lifetime, TimePoint now) const {
  const auto key = PrivateKey::generate_p256();
  if (!key) return pass(key.error());
  const auto certificate = servers_.issuing.issue(
      key->public_key(), server_subject(trust()->list.servers, also_), lifetime, now);
  if (!certificate) return while_doing(certificate.error(), "the server's TLS certificate");
  TlsServerSettings settings;
  settings.certificate_pem = certificate->pem();
  settings.key_pem = key->pem();
  settings.client_certificate = client_certificate;
  for (const auto& authority : machines_.trusted) {
    settings.client_authorities_pem += authority.pem();
  }
  return settings;
}

Result<SiteKeys> initialise_site(Store& store, const SealingKey& sealing,
                                 const ServerAddresses& addresses, TimePoint now) {
  if (const auto site = find_site(store); !site) {
    if (site.error().kind != ErrorKind::not_found) return pass(site.error());
    if (auto made = create_site(store, sealing, addresses, now); !made) return pass(made.error());
  }
  return open_site(store, sealing, addresses);
}

Result<void> renew_trust(Store& store, const SealingKey& sealing, SiteKeys& keys,
                         const ServerAddresses& addresses) {
  const auto site = find_site(store);
  if (!site) return pass(site.error());
  const auto epoch = find_epoch(store);
  if (!epoch) return pass(epoch.error());
  TrustList list = keys.trust()->list;
  const std::string before = to_canonical_json(list);
  list.server_authorities = keys.servers().trusted_pem();
  list.servers = addresses;
  if (to_canonical_json(list) == before && epoch_of(list.version) >= *epoch) return {};
  list.version = next_number(list.version, *epoch);
  auto envelope = sign_trust_list(store, sealing, *site, list);
  if (!envelope && envelope.error().kind == ErrorKind::conflict) return {};
  if (!envelope) return pass(envelope.error());
  Transaction transaction;
  if (auto put = put_trust_list(*site, std::move(*envelope), transaction); !put) return put;
  if (auto committed = commit(store, transaction); !committed) return committed;
  auto trust = load_trust(store);
  if (!trust) return pass(trust.error());
  keys.replace_trust(std::move(*trust));
  return {};
}

Result<SiteKeys> open_site(Store& store, const SealingKey& sealing,
                           const ServerAddresses& addresses) {
  auto keys = SiteKeys::load(store, sealing);
  if (!keys) return keys;
  keys->also_at(addresses);
  const auto sealed = sealed_clusters(store);
  if (!sealed) return pass(sealed.error());
  if (!sealed->empty()) return keys;
  if (auto renewed = renew_trust(store, sealing, *keys, addresses); !renewed)
    return pass(renewed.error());
  return keys;
}

Result<SiteKeys> rotate_site_key(Store& store, const SealingKey& sealing, std::string_view actor,
                                 TimePoint now) {
  auto site = find_site(store);
  if (!site) return pass(site.error());
  auto keys = SiteKeys::load(store, sealing);
  if (!keys) return keys;
  const auto old_key = load_key(store, kinds::site_key, site->record.site_key, sealing);
  if (!old_key) return pass(old_key.error());
  const auto new_key = PrivateKey::generate_ed25519();
  if (!new_key) return pass(new_key.error());
  SiteRecord record = site->record;
  record.site_key = new_key->public_key().fingerprint();
  TrustList list = keys->trust()->list;
  list.site = record.site_key;
  list.site_key = new_key->public_key().pem();
  // Twice: signed by the old key for machines that know only that one, by its own for those that
  // are given the new pin.
  for (const auto& signer : {*old_key, *new_key}) {
    ++list.version;
    if (auto signed_list = append(record.chain, list, signer); !signed_list) {
      return pass(signed_list.error());
    }
  }
  Transaction transaction;
  if (auto put = put_key(*new_key, kinds::site_key, sealing, transaction); !put) {
    return pass(put.error());
  }
  if (auto put = put_site(*site, record, transaction); !put) return pass(put.error());
  append_audit(transaction, now, actor, "site-key-rotated", record.site_key,
               fmt::format("from {}", keys->site()));
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  return SiteKeys::load(store, sealing);
}

}  // namespace muster
