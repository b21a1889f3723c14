#include "agent/session/fetch.hpp"

#include <doctest/doctest.h>

#include "fakes/example_document.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

struct FetchFixture {
  FakeClock clock;
  FakeSite site{clock};
  TrustList trust = site.trust_list();
  NodeDocument document = example_document();
  FetchFixture() {
    document.site = site.pin();
    document.generation = 5;
    for (auto& [name, list] : document.role.cluster.authorities) {
      list = {site.cluster_ca.certificate().pem()};
    }
    site.serve(document);
  }
  std::string refusal() {
    const auto verified = verify_document(site.document_envelope, trust, "m1", "lab", 5);
    return verified ? "accepted" : verified.error().message;
  }
};

}  // namespace

TEST_CASE_FIXTURE(FetchFixture, "a document that is signed, ours and not older is accepted") {
  CHECK(refusal() == "accepted");
}

TEST_CASE_FIXTURE(FetchFixture, "a document for another node, cluster or site is refused") {
  document.role.node = "m2";
  document.role.address = "10.77.0.12";
  document.role.role = Role::follower;
  site.serve(document);
  CHECK(refusal() == "document refused: node: expected 'm1', found 'm2'");
  document = example_document();
  document.generation = 5;
  for (auto& [name, list] : document.role.cluster.authorities) {
    list = {site.cluster_ca.certificate().pem()};
  }
  site.serve(document);
  CHECK(refusal() == "document refused: site: expected '" + site.pin() +
                         "', found 'sha256:" + std::string(64, 'a') + "'");
  document.site = site.pin();
  document.role.cluster.name = "other";
  site.serve(document);
  CHECK(refusal() == "document refused: cluster: expected 'lab', found 'other'");
}

TEST_CASE_FIXTURE(FetchFixture, "an older document is refused for ever") {
  document.generation = 4;
  site.serve(document);
  CHECK(
      refusal() ==
      "document refused: generation: expected 5 or later, found 4; an older document is never taken, publish the wanted content anew (`muster revision rollback`)");
}

TEST_CASE_FIXTURE(FetchFixture, "an unsigned, foreign, altered or truncated document is refused") {
  const auto good = site.document_envelope;
  site.document_envelope.signature.clear();
  CHECK(refusal().rfind("document refused: ", 0) == 0);
  site.document_envelope = good;
  site.document_envelope.payload[10] = '!';
  CHECK(refusal().rfind("document refused: ", 0) == 0);
  site.document_envelope = good;
  site.document_envelope.payload.resize(good.payload.size() / 2);
  CHECK(refusal().rfind("document refused: ", 0) == 0);
  site.document_key = must(PrivateKey::generate_ed25519());
  site.serve(document);
  CHECK(refusal().rfind("document refused: ", 0) == 0);
}

TEST_CASE_FIXTURE(FetchFixture, "a document of an unknown version is refused by its type") {
  site.document_envelope.payload_type = "application/vnd.muster.node-document.v2+json";
  CHECK(
      refusal() ==
      "document refused: document: expected type 'application/vnd.muster.node-document.v1+json', found 'application/vnd.muster.node-document.v2+json'; an agent of another version is needed to read it");
}

TEST_CASE_FIXTURE(FetchFixture, "a key whose scope is another cluster signs nothing here") {
  trust.document_keys[0].scope = "cluster/other";
  CHECK(refusal() == "document refused: document key '" +
                         site.document_key.public_key().fingerprint() +
                         "': its scope does not cover the cluster 'lab' (trust list version 1)");
}

TEST_CASE_FIXTURE(FetchFixture, "an operator's key signs in its scope, until it is revoked") {
  site.document_key = must(PrivateKey::generate_ed25519());
  site.serve(document);
  const std::string id = site.document_key.public_key().fingerprint();
  CHECK(refusal() == "document refused: document key '" + id +
                         "': the site key does not vouch for it (trust list version 1)");
  trust.document_keys.push_back({site.document_key.public_key().pem(), "cluster/lab"});
  CHECK(refusal() == "accepted");
  trust.document_keys.pop_back();
  trust.version = 3;
  CHECK(refusal() == "document refused: document key '" + id +
                         "': the site key does not vouch for it (trust list version 3)");
}
