// The authorities of one cluster ("cluster", "etcd", "front-proxy") and what its control plane
// shares. Made with the cluster's first publication; their private keys never leave the server.
// Thread-safe.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "pki/certificate_authority.hpp"
#include "pki/sealed_box.hpp"
#include "store/store.hpp"
#include "trust/stored_authority.hpp"

namespace muster {

inline constexpr std::array<std::string_view, 3> cluster_authority_names = {"cluster", "etcd",
                                                                            "front-proxy"};

// Trusted CA certificates (PEM) by authority name, the issuing one first; only what is there.
using TrustedAuthorities = std::map<std::string, std::vector<std::string>>;
[[nodiscard]] Result<TrustedAuthorities> load_cluster_authorities(const Store& store,
                                                                  const std::string& cluster);
// An RSA key takes a third of a second to make: tests share one.
using KeySource = Result<PrivateKey> (*)();
// Adds what is missing to the transaction: authorities "kubernetes-<cluster>", "etcd-<cluster>",
// "front-proxy-<cluster>", the service-account key and the encryption configuration. Returns all
// authorities as they will be; a cluster that has everything adds nothing.
[[nodiscard]] Result<TrustedAuthorities> prepare_cluster(
    const Store& store, const SealingKey& sealing, const std::string& cluster, TimePoint now,
    Transaction& transaction, KeySource service_account_key = PrivateKey::generate_rsa2048);

struct IssuedClusterCertificate {
  std::string certificate;  // PEM
  std::string authority;    // PEM of all trusted ones of this authority: ca.crt
};
// Of one cluster, by name, for the length of one request: a machine asks for several at once.
using OpenedAuthorities = std::map<std::string, StoredAuthority>;
// Subject, names, usages and lifetime are the specification's; of the requester only the key.
// `opened` gets the authority where it is not there yet; `earliest` as for the authority's issue().
// not_found: the cluster has no such authority.
[[nodiscard]] Result<IssuedClusterCertificate> issue_certificate(
    const Store& store, const SealingKey& sealing, const std::string& cluster,
    const CertificateSpec& specification, const PublicKey& key, TimePoint now,
    OpenedAuthorities& opened, TimePoint earliest = TimePoint::max());

}  // namespace muster
