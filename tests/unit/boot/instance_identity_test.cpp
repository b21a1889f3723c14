#include "boot/instance_identity.hpp"

#include <doctest/doctest.h>

#include "document/signed_document.hpp"
#include "sample_machine.hpp"
#include "unit/publish/sample_site.hpp"

using namespace muster;

TEST_CASE("a machine's identity is signed by what the trust list vouches for") {
  sample::Site site;
  const BootMachine machine = sample::machine();
  const auto text = signed_identity(site.keys, machine);
  REQUIRE(text);
  const auto envelope = parse_envelope(*text);
  REQUIRE(envelope);
  CHECK(envelope->payload == identity_document(machine, site.keys.site()));
  const auto key = find_document_key(site.keys.trust()->list, envelope->key_id, "lab");
  REQUIRE(key);
  CHECK(verify_envelope(*envelope, instance_identity_type, *key));
  // Nobody takes it for a document.
  CHECK_FALSE(verify_envelope(*envelope, node_document_type, *key));
}

TEST_CASE("a server that may not sign for the cluster signs no identity") {
  sample::Site site;
  SiteTrust trust = *site.keys.trust();
  for (auto& key : trust.list.document_keys) key.scope = "cluster/other";
  ++trust.list.version;
  ++trust.version;
  site.keys.replace_trust(std::move(trust));
  CHECK_FALSE(signed_identity(site.keys, sample::machine()));
}
