#include "trust/cluster_authorities.hpp"

#include <algorithm>

#include "pki/signature.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::size_t encryption_key_size = 32;  // bytes, secretbox

std::string authority_common_name(std::string_view name, const std::string& cluster) {
  return fmt::format("{}-{}", name == "cluster" ? "kubernetes" : name, cluster);
}

// `identity` last: what was written before encryption was on stays readable.
std::string make_encryption_configuration() {
  return fmt::format(
      "apiVersion: apiserver.config.k8s.io/v1\n"
      "kind: EncryptionConfiguration\n"
      "resources:\n"
      "  - resources:\n"
      "      - secrets\n"
      "    providers:\n"
      "      - secretbox:\n"
      "          keys:\n"
      "            - name: key1\n"
      "              secret: {}\n"
      "      - identity: {{}}\n",
      base64_encode(random_bytes(encryption_key_size)));
}

Result<void> prepare_secret(const Store& store, const SealingKey& sealing,
                            const std::string& cluster, std::string_view name, TimePoint now,
                            Transaction& transaction, KeySource service_account_key) {
  const auto versions = store.count(kinds::secret, kinds::secret_prefix(cluster, name));
  if (!versions) return pass(versions.error());
  if (*versions > 0) return {};
  if (name == encryption_configuration_secret) {
    return create_secret(sealing, cluster, name, make_encryption_configuration(), now, transaction);
  }
  const auto key = service_account_key();
  if (!key) return pass(key.error());
  return create_secret(sealing, cluster, name, key->pem(), now, transaction);
}

}  // namespace

Result<TrustedAuthorities> load_cluster_authorities(const Store& store,
                                                    const std::string& cluster) {
  TrustedAuthorities authorities;
  for (const auto name : cluster_authority_names) {
    auto trusted = load_trusted(store, kinds::pair_key(cluster, name));
    if (trusted) {
      authorities[std::string(name)] = std::move(*trusted);
    } else if (trusted.error().kind != ErrorKind::not_found) {
      return pass(trusted.error());
    }
  }
  return authorities;
}

Result<TrustedAuthorities> prepare_cluster(const Store& store, const SealingKey& sealing,
                                           const std::string& cluster, TimePoint now,
                                           Transaction& transaction,
                                           KeySource service_account_key) {
  auto authorities = load_cluster_authorities(store, cluster);
  if (!authorities) return authorities;
  for (const auto name : cluster_authority_names) {
    if (authorities->contains(std::string(name))) continue;
    const auto made = create_authority(kinds::pair_key(cluster, name),
                                       authority_common_name(name, cluster), sealing, transaction);
    if (!made) return pass(made.error());
    (*authorities)[std::string(name)] = made->trusted_pem();
  }
  for (const auto name : {service_account_key_secret, encryption_configuration_secret}) {
    if (auto ready =
            prepare_secret(store, sealing, cluster, name, now, transaction, service_account_key);
        !ready) {
      return pass(ready.error());
    }
  }
  return authorities;
}

Result<IssuedClusterCertificate> issue_certificate(const Store& store, const SealingKey& sealing,
                                                   const std::string& cluster,
                                                   const CertificateSpec& specification,
                                                   const PublicKey& key, TimePoint now,
                                                   OpenedAuthorities& opened, TimePoint earliest) {
  const std::string what =
      fmt::format("certificate '{}' of cluster '{}'", specification.name, cluster);
  const auto& names = cluster_authority_names;
  if (std::find(names.begin(), names.end(), specification.authority) == names.end()) {
    return fail(
        ErrorKind::not_found,
        fmt::format("{}: expected the authority 'cluster', 'etcd' or 'front-proxy', found '{}'",
                    what, specification.authority));
  }
  auto found = opened.find(specification.authority);
  if (found == opened.end()) {
    auto loaded = load_authority(store, kinds::pair_key(cluster, specification.authority), sealing);
    if (!loaded) return while_doing(loaded.error(), what);
    found = opened.emplace(specification.authority, std::move(*loaded)).first;
  }
  const StoredAuthority& authority = found->second;
  const auto allows = [&](CertificateUsage usage) {
    return std::find(specification.usages.begin(), specification.usages.end(), usage) !=
           specification.usages.end();
  };
  Subject subject;
  subject.common_name = specification.common_name;
  subject.organizations = specification.organizations;
  subject.dns_names = specification.dns_names;
  subject.ip_addresses = specification.ip_addresses;
  subject.client = allows(CertificateUsage::client);
  subject.server = allows(CertificateUsage::server);
  const auto issued = authority.issuing.issue(key, subject, specification.lifetime, now, earliest);
  if (!issued) return while_doing(issued.error(), what);
  IssuedClusterCertificate answer{issued->pem(), {}};
  for (const auto& pem : authority.trusted_pem()) answer.authority += pem;
  return answer;
}

}  // namespace muster
