// Peers: what a list must be to be taken. One that is not leaves the machine with those it has, and
// is never a reason to fail.
#include "fetch_fixture.hpp"

using namespace muster;

namespace {

std::string refusal_of(const FetchingMachine& machine) {
  const auto verified = verify_peers(machine.site.peers_envelope, machine.trust, "lab", 5);
  return verified ? "accepted" : verified.error().message;
}

}  // namespace

TEST_CASE_FIXTURE(FetchingMachine, "a list of another site, cluster or type is refused") {
  CHECK(refusal_of(*this) == "accepted");
  peers.cluster = "other";
  site.serve(peers);
  CHECK(refusal_of(*this) ==
        fmt::format("peer list refused: expected cluster 'lab' of site {0}, found 'other' of {0}",
                    site.pin()));
  peers.cluster = "lab";
  peers.site = "sha256:" + std::string(64, 'a');
  site.serve(peers);
  CHECK(refusal_of(*this) ==
        fmt::format("peer list refused: expected cluster 'lab' of site {}, found 'lab' of {}",
                    site.pin(), peers.site));
  site.peers_envelope = site.document_envelope;
  CHECK(
      refusal_of(*this) ==
      "peer list refused: document: expected type 'application/vnd.muster.peer-list.v1+json', found 'application/vnd.muster.node-document.v1+json'; an agent of another version is needed to read it");
}

TEST_CASE_FIXTURE(FetchingMachine, "an unsigned, foreign or altered list is refused") {
  const auto good = site.peers_envelope;
  site.peers_envelope.signature.assign(64, 'x');
  CHECK(refusal_of(*this).starts_with("peer list refused: envelope: the signature by "));
  site.peers_envelope = good;
  const auto at = site.peers_envelope.payload.find("10.77.0.21");
  site.peers_envelope.payload[at + 9] = '9';
  CHECK(refusal_of(*this).starts_with("peer list refused: envelope: the signature by "));
  site.peers_envelope = good;
  site.peers_envelope.payload.resize(good.payload.size() / 2);
  CHECK(refusal_of(*this).starts_with("peer list refused: envelope: the signature by "));
  site.peers_envelope = must(sign_envelope(peer_list_type, "{}", site.document_key));
  CHECK(refusal_of(*this).starts_with("peer list refused: peer list: "));
  site.peers_envelope = good;
  trust.document_keys[0].scope = "cluster/other";
  CHECK(refusal_of(*this) ==
        "peer list refused: document key '" + site.document_key.public_key().fingerprint() +
            "': its scope does not cover the cluster 'lab' (trust list version 1)");
}

TEST_CASE_FIXTURE(FetchingMachine, "an older list is refused for ever") {
  peers.generation = 4;
  site.serve(peers);
  CHECK(refusal_of(*this) == "peer list refused: generation: expected 5 or later, found 4");
  peers.generation = 5;
  site.serve(peers);
  CHECK(refusal_of(*this) == "accepted");
}

TEST_CASE_FIXTURE(FetchingMachine, "a list that is refused leaves the last good one in force") {
  REQUIRE(fetch_now().peers == 5);
  const std::string good = machine.files.text(paths::peers_cache);
  const auto refusal = [&] {
    const auto seen = fetch_now();
    CHECK(seen.error == "");
    CHECK(seen.peers == 5);
    CHECK(seen.refused == "");
    CHECK(machine.files.text(paths::peers_cache) == good);
    CHECK(remembered().peers_generation == 5);
    return seen.peers_refused;
  };
  peers.generation = 4;
  site.serve(peers);
  CHECK(refusal() == "peer list refused: generation: expected 5 or later, found 4");
  peers.generation = 6;
  peers.cluster = "other";
  site.serve(peers);
  CHECK(refusal().starts_with("peer list refused: expected cluster 'lab' of site "));
  site.odd_answer = [this](
                        const Envelope& found,
                        std::string_view) -> std::optional<Result<std::optional<FetchedEnvelope>>> {
    if (&found == &site.document_envelope) return std::nullopt;
    return Result<std::optional<FetchedEnvelope>>(
        fail(ErrorKind::internal, "GET /v1/peers: expected 200, found 500"));
  };
  CHECK(refusal() == "GET /v1/peers: expected 200, found 500");
}

TEST_CASE_FIXTURE(FetchingMachine, "the generation of a newer list is remembered at once") {
  REQUIRE(fetch_now().peers == 5);
  peers.generation = 9;
  site.serve(peers);
  CHECK(fetch_now().peers == 9);
  CHECK(remembered().peers_generation == 9);
  CHECK(remembered().document_generation == 5);
  peers.generation = 8;
  site.serve(peers);
  CHECK(fetch_now().peers == 9);
}

TEST_CASE_FIXTURE(FetchingMachine, "a list that cannot be kept is used all the same, and said") {
  REQUIRE(fetch_now().peers == 5);
  peers.generation = 6;
  site.serve(peers);
  machine.files.fail_at = machine.files.calls;
  const auto seen = fetch_now();
  CHECK(seen.peers == 6);
  CHECK(seen.unsaved == "write /var/lib/muster/cache/peers.json: injected failure");
  // The one that a boot will find must not be too old for it.
  CHECK(remembered().peers_generation == 5);
  site.is_away = true;
  CHECK(fetch_now(false).peers == 5);
}

TEST_CASE_FIXTURE(FetchingMachine,
                  "a first list that is refused leaves the machine without peers") {
  peers.cluster = "other";
  site.serve(peers);
  const auto seen = fetch_now();
  CHECK(seen.error == "");
  CHECK(seen.document == 5);
  CHECK(seen.peers == 0);
  CHECK_FALSE(machine.files.status(paths::peers_cache));
}
