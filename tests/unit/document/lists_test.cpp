// Peer list and trust list.
#include <doctest/doctest.h>

#include "document/peer_list.hpp"
#include "document/trust_list.hpp"
#include "sample_document.hpp"

using namespace muster;

namespace {

PeerList peers() {
  PeerList list{sample::digest_a, "lab", 3, {}};
  list.peers.push_back({"m1", "10.77.0.11", "10.244.0.0/24", {}, {}});
  list.peers.push_back({"n1", "10.77.0.21", "", {{"rack", "3"}}, {{"gpu", "yes", "NoSchedule"}}});
  return list;
}

struct Site {
  PrivateKey key = PrivateKey::generate_ed25519().value();
  [[nodiscard]] std::string pin() const { return key.public_key().fingerprint(); }
};

// A list that carries `current` as the site key, signed by `signer`.
Envelope list_of(const Site& current, const Site& signer, std::uint64_t version,
                 std::vector<DocumentKey> keys = {}) {
  TrustList list;
  list.site = current.pin();
  list.version = version;
  list.site_key = current.key.public_key().pem();
  list.server_authorities = {sample::pem};
  list.document_keys = std::move(keys);
  if (list.document_keys.empty()) {
    list.document_keys = {{current.key.public_key().pem(), "site"}};
  }
  list.servers = {
      {"http://10.77.0.1:8080"}, {"https://10.77.0.1:8443"}, {"https://10.77.0.1:8444"}};
  return sign_envelope(trust_list_type, to_canonical_json(list), signer.key).value();
}

std::string refusal_of_list(const std::vector<Envelope>& chain, const std::string& pin,
                            std::uint64_t minimum = 0) {
  const auto list = verify_trust_list(chain, pin, minimum);
  if (list) return "accepted";
  CHECK(list.error().kind == ErrorKind::unauthenticated);
  return list.error().message;
}

}  // namespace

TEST_CASE("a peer list round-trips byte for byte") {
  const std::string golden = sample::golden("golden/document/peers.json");
  CHECK(to_canonical_json(peers()) == golden);
  CHECK(to_canonical_json(parse_peer_list(golden).value()) == golden);
}

TEST_CASE("a drain is in a peer list only where there is one") {
  PeerList list = peers();
  list.peers[1].drain = Drain::evict;
  const std::string text = to_canonical_json(list);
  CHECK(parse_peer_list(text).value().peers[1].drain == Drain::evict);
  std::string other = text;
  other.replace(other.find("evict"), 5, "kill");
  CHECK(parse_peer_list(other).error().message ==
        "peer list: refused, 1 problem:\n"
        "/peers/1/drain: expected cordon or evict, found 'kill'");
}

TEST_CASE("every problem of a peer list is reported at once") {
  PeerList list = peers();
  list.generation = 0;
  list.peers[0] = {"n2", "x", "10.244.0.1/24", {{"-", "a"}}, {{"gpu", "", "Never"}}};
  CHECK(
      parse_peer_list(to_canonical_json(list)).error().message ==
      "peer list: refused, 6 problems:\n"
      "/generation: expected 1 or more, found 0\n"
      "/peers/0/address: expected an IPv4 address, found 'x'\n"
      "/peers/0/podCidr: expected an IPv4 network such as '10.244.3.0/24' or nothing, found '10.244.0.1/24'\n"
      "/peers/0/labels/-: expected a label key, found '-'\n"
      "/peers/0/taints/0/effect: expected NoSchedule, PreferNoSchedule or NoExecute, found 'Never'\n"
      "/peers/1/name: expected names in ascending order, found 'n1'");
}

TEST_CASE("a trust list verifies against its pin") {
  const Site site;
  const auto list = verify_trust_list({list_of(site, site, 1)}, site.pin(), 1);
  REQUIRE_MESSAGE(list, list.error().message);
  CHECK(list->servers.node == std::vector<std::string>{"https://10.77.0.1:8444"});
  CHECK(to_canonical_json(*list) == list_of(site, site, 1).payload);
}

TEST_CASE("a machine with an old pin follows the chain, one with the new pin skips to it") {
  const Site old_site, new_site;
  const std::vector<Envelope> chain = {list_of(old_site, old_site, 1),
                                       list_of(new_site, old_site, 2),
                                       list_of(new_site, new_site, 3)};
  CHECK(verify_trust_list(chain, old_site.pin(), 0).value().version == 3);
  CHECK(verify_trust_list(chain, new_site.pin(), 0).value().version == 3);
}

TEST_CASE("foreign, older, altered and broken chains are refused") {
  const Site site, other;
  CHECK(refusal_of_list({list_of(other, other, 9)}, site.pin()) ==
        "trust list: expected one signed by the pinned site key " + site.pin() +
            ", found none among 1. Is this the right server, and the right pin?");
  CHECK(refusal_of_list({list_of(site, site, 4)}, site.pin(), 5) ==
        "trust list: expected version 5 or newer, which this machine has seen before, found 4");
  CHECK(refusal_of_list({list_of(site, site, 1), list_of(other, other, 2)}, site.pin()) ==
        "trust list: expected a signature by the site key " + site.pin() + ", found one by '" +
            other.pin() + "'");
  CHECK(refusal_of_list({list_of(site, site, 2), list_of(site, site, 2)}, site.pin()) ==
        "trust list: expected a version above 2, found 2");
  CHECK(refusal_of_list({list_of(other, site, 1)}, site.pin()) ==
        "trust list: expected the site key " + site.pin() + ", found " + other.pin() +
            ": the first list of a chain must carry the key that signed it");
  Envelope altered = list_of(site, site, 1);
  altered.payload.replace(altered.payload.find("8444"), 4, "9444");
  CHECK(refusal_of_list({altered}, site.pin()) ==
        "trust list: envelope: the signature by " + site.pin() +
            " does not verify: payload or signature was altered");
  Envelope claimed = list_of(other, other, 1);
  claimed.key_id = site.pin();  // a rogue server names the pinned key
  CHECK(refusal_of_list({claimed}, site.pin()).rfind("trust list: expected the site key", 0) == 0);
}

TEST_CASE("a document key signs only within its scope") {
  const Site site, lab, pool;
  const auto list = verify_trust_list({list_of(site, site, 1,
                                               {{lab.key.public_key().pem(), "cluster/lab"},
                                                {pool.key.public_key().pem(), "pool/lab/gpu"}})},
                                      site.pin(), 0)
                        .value();
  CHECK(find_document_key(list, lab.pin(), "lab"));
  CHECK(find_document_key(list, pool.pin(), "lab", "gpu"));
  CHECK_FALSE(find_document_key(list, pool.pin(), "lab"));
  CHECK_FALSE(find_document_key(list, lab.pin(), ""));
  CHECK(find_document_key(list, lab.pin(), "prod").error().message ==
        "document key '" + lab.pin() +
            "': its scope does not cover the cluster 'prod' (trust list version 1)");
  CHECK(find_document_key(list, site.pin(), "lab").error().message ==
        "document key '" + site.pin() +
            "': the site key does not vouch for it (trust list version 1)");
}

TEST_CASE("every problem of a trust list is reported at once") {
  const auto refused = parse_trust_list(
      R"({"apiVersion":"muster/v1","kind":"TrustList","site":"x","version":0,"siteKey":"y",)"
      R"("serverAuthorities":[],"documentKeys":[],"servers":{"boot":["https://a"],"enrol":[],"node":["b"]}})");
  REQUIRE_FALSE(refused);
  for (const char* where : {"/siteKey: ", "/version: ", "/serverAuthorities: ", "/documentKeys: ",
                            "/servers/boot/0: ", "/servers/node/0: "}) {
    CHECK_MESSAGE(refused.error().message.find(where) != std::string::npos, where);
  }
}
