#include "trust/cluster_authorities.hpp"

#include <openssl/x509.h>

#include "records/secrets.hpp"
#include "unit/publish/sample_site.hpp"

using namespace muster;

namespace {

using namespace std::chrono_literals;

struct Made {
  MemoryStore store;
  SealingKey sealing{random_bytes(32)};
  TrustedAuthorities authorities;
  Made() {
    Transaction transaction;
    authorities = prepare_cluster(store, sealing, "lab", sample::now, transaction).value();
    REQUIRE(store.commit(transaction));
  }
};

CertificateSpec specification(const std::string& authority) {
  CertificateSpec spec;
  spec.name = "etcd-peer";
  spec.authority = authority;
  spec.common_name = "m1";
  spec.organizations = {"muster:machine:m1"};
  spec.dns_names = {"m1", "localhost"};
  spec.ip_addresses = {"10.77.0.11"};
  spec.usages = {CertificateUsage::server, CertificateUsage::client};
  spec.lifetime = 24h;
  return spec;
}

}  // namespace

TEST_CASE("a cluster gets three authorities and two shared secrets, once") {
  const Made made;
  REQUIRE(made.authorities.size() == 3);
  const auto common_name = [&](const char* name) {
    return Certificate::from_pem(made.authorities.at(name).at(0))->common_name();
  };
  CHECK(common_name("cluster") == "kubernetes-lab");
  CHECK(common_name("etcd") == "etcd-lab");
  CHECK(common_name("front-proxy") == "front-proxy-lab");
  CHECK(load_cluster_authorities(made.store, "lab").value() == made.authorities);
  Transaction again;
  CHECK(prepare_cluster(made.store, made.sealing, "lab", sample::now, again).value() ==
        made.authorities);
  CHECK(again.changes.empty());
  CHECK(load_cluster_authorities(made.store, "other")->empty());
}

TEST_CASE("the shared secrets are what kube-apiserver reads") {
  const Made made;
  const auto key = get_secret(made.store, made.sealing, "lab", "service-account-key", 1);
  REQUIRE(key);
  CHECK(PrivateKey::from_pem(*key));
  const auto text = get_secret(made.store, made.sealing, "lab", "encryption-configuration", 1);
  REQUIRE(text);
  const std::string head =
      "apiVersion: apiserver.config.k8s.io/v1\n"
      "kind: EncryptionConfiguration\n"
      "resources:\n"
      "  - resources:\n"
      "      - secrets\n"
      "    providers:\n"
      "      - secretbox:\n"
      "          keys:\n"
      "            - name: key1\n"
      "              secret: ";
  REQUIRE(text->starts_with(head));
  CHECK(text->ends_with("\n      - identity: {}\n"));
  CHECK(base64_decode(text->substr(head.size(), 44))->size() == 32);
}

TEST_CASE("a certificate is the specification's, the key the machine's") {
  const Made made;
  const auto key = PrivateKey::generate_p256();
  OpenedAuthorities opened;
  const auto issued = issue_certificate(made.store, made.sealing, "lab", specification("etcd"),
                                        key->public_key(), sample::now, opened);
  REQUIRE(issued);
  CHECK(issued->authority == made.authorities.at("etcd").at(0));
  const auto certificate = Certificate::from_pem(issued->certificate);
  REQUIRE(certificate);
  CHECK(certificate->matches(*key));
  CHECK(certificate->common_name() == "m1");
  CHECK(certificate->organizations() == std::vector<std::string>{"muster:machine:m1"});
  CHECK(certificate->dns_names() == std::vector<std::string>{"m1", "localhost"});
  CHECK(certificate->ip_addresses() == std::vector<std::string>{"10.77.0.11"});
  CHECK(certificate->allows_client());
  CHECK(certificate->allows_server());
  const auto authority = Certificate::from_pem(issued->authority);
  CHECK(X509_verify(certificate->native(), authority->public_key().native()) == 1);
}

TEST_CASE("an authority is opened once for all certificates of a request") {
  Made made;
  const auto key = PrivateKey::generate_p256();
  OpenedAuthorities opened;
  const auto issue = [&](const char* authority) {
    return issue_certificate(made.store, made.sealing, "lab", specification(authority),
                             key->public_key(), sample::now, opened);
  };
  REQUIRE(issue("cluster"));
  REQUIRE(
      made.store.commit(Transaction().remove(kinds::authority, kinds::pair_key("lab", "cluster"))));
  CHECK(issue("cluster"));
  CHECK(issue("etcd"));
  CHECK(opened.size() == 2);
}

TEST_CASE("an authority that is none of the cluster's issues nothing") {
  const Made made;
  const auto key = PrivateKey::generate_p256();
  OpenedAuthorities opened;
  CHECK(
      issue_certificate(made.store, made.sealing, "lab", specification("machines"),
                        key->public_key(), sample::now, opened)
          .error()
          .message ==
      "certificate 'etcd-peer' of cluster 'lab': expected the authority 'cluster', 'etcd' or 'front-proxy', found 'machines'");
  CHECK(issue_certificate(made.store, made.sealing, "-", specification("cluster"),
                          key->public_key(), sample::now, opened)
            .error()
            .kind == ErrorKind::not_found);
}
