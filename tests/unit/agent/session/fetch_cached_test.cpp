// What is fetched against what is cached: what a machine goes on with when the server is away,
// silent, wrong or hostile.
#include "agent/state/settled_document.hpp"
#include "document/tombstone.hpp"
#include "fetch_fixture.hpp"

using namespace muster;

namespace {

std::string text_of_cache(const FetchingMachine& machine, const char* path) {
  return machine.machine.files.text(path);
}

// Signed by the site, and no node document or peer list in its payload.
Envelope nonsense(const FetchingMachine& machine, std::string_view type) {
  return must(sign_envelope(type, "{}", machine.site.document_key));
}

}  // namespace

TEST_CASE_FIXTURE(FetchingMachine, "what is fetched is verified, cached and remembered") {
  const auto seen = fetch_now();
  CHECK(seen.error == "");
  CHECK(seen.document == 5);
  CHECK(seen.peers == 5);
  CHECK_FALSE(seen.offline);
  CHECK(seen.refused == "");
  CHECK(etags == std::vector<std::string>{"", ""});
  CHECK(text_of_cache(*this, paths::document_cache) == to_json(site.document_envelope));
  CHECK(text_of_cache(*this, paths::peers_cache) == to_json(site.peers_envelope));
  CHECK(remembered().document_generation == 5);
  CHECK(remembered().peers_generation == 5);
}

TEST_CASE_FIXTURE(FetchingMachine, "without news nothing is sent and nothing is written") {
  REQUIRE(fetch_now().error == "");
  machine.files.changes.clear();
  const auto seen = fetch_now();
  CHECK(seen.document == 5);
  CHECK(seen.peers == 5);
  CHECK(etags == std::vector<std::string>{"\"" + digest(site.document_envelope) + "\"",
                                          "\"" + digest(site.peers_envelope) + "\""});
  // A server that sends all the same causes no write either.
  site.odd_answer = [](const Envelope& found, std::string_view) {
    return Result<std::optional<FetchedEnvelope>>(FetchedEnvelope{found, "", {}});
  };
  CHECK(fetch_now().document == 5);
  CHECK(machine.files.changes.empty());
}

TEST_CASE_FIXTURE(FetchingMachine, "a cache that is damaged is no reason to ask for less") {
  REQUIRE(fetch_now().error == "");
  put_cached(paths::document_cache, "{");
  put_cached(paths::peers_cache, "{");
  const auto seen = fetch_now();
  CHECK(seen.document == 5);
  CHECK(seen.peers == 5);
  CHECK(etags == std::vector<std::string>{"", ""});
  CHECK(text_of_cache(*this, paths::document_cache) == to_json(site.document_envelope));
  CHECK(text_of_cache(*this, paths::peers_cache) == to_json(site.peers_envelope));
}

TEST_CASE_FIXTURE(FetchingMachine, "what is cached is verified like what is fetched") {
  REQUIRE(fetch_now().error == "");
  Envelope forged = site.document_envelope;
  forged.signature.assign(64, 'x');
  put_cached(paths::document_cache, to_json(forged));
  CHECK(fetch_now(false).error.starts_with(
      "document/unauthenticated: /var/lib/muster/cache/document.json: document refused: envelope: the signature by "));
  // It is not believed to be what the server has either, though it is named like it.
  CHECK(fetch_now().document == 5);
  CHECK(etags[0] == "");
  forged = site.peers_envelope;
  forged.signature.assign(64, 'x');
  put_cached(paths::peers_cache, to_json(forged));
  const auto seen = fetch_now(false);
  CHECK(seen.error == "");
  CHECK(seen.peers == 0);
  CHECK(fetch_now().peers == 5);
  CHECK(etags[1] == "");
}

TEST_CASE_FIXTURE(FetchingMachine, "a cache that somebody put back is older than what is known") {
  REQUIRE(fetch_now().error == "");
  const std::string old_document = text_of_cache(*this, paths::document_cache);
  const std::string old_peers = text_of_cache(*this, paths::peers_cache);
  serve(6);
  REQUIRE(fetch_now().document == 6);
  put_cached(paths::document_cache, old_document);
  CHECK(
      fetch_now(false).error ==
      "document/conflict: /var/lib/muster/cache/document.json: document refused: generation: expected 6 or later, found 5; an older document is never taken, publish the wanted content anew (`muster revision rollback`)");
  serve(6);
  REQUIRE(fetch_now().document == 6);
  put_cached(paths::peers_cache, old_peers);
  CHECK(fetch_now(false).peers == 0);
}

TEST_CASE_FIXTURE(FetchingMachine, "without a server the last good document and peers hold") {
  CHECK(fetch_now(false).error ==
        "document/not_found: '/var/lib/muster/cache/document.json': no such file");
  REQUIRE(fetch_now().error == "");
  serve(6);
  for (const bool is_silent : {false, true}) {
    site.is_away = is_silent;
    const auto seen = fetch_now(is_silent);
    CHECK(seen.error == "");
    CHECK(seen.document == 5);
    CHECK(seen.peers == 5);
    CHECK(seen.offline == !is_silent);
    CHECK(seen.refused ==
          (is_silent ? "https://10.0.0.254:8444: connection refused" : std::string()));
    CHECK(seen.peers_refused == seen.refused);
  }
}

TEST_CASE_FIXTURE(FetchingMachine, "a cached document holds as long as the policy says") {
  REQUIRE(fetch_now().error == "");
  auto checkpoint = remembered();
  checkpoint.last_contact = std::chrono::system_clock::to_time_t(machine.clock.now());
  REQUIRE(save(checkpoint, machine.files));
  machine.clock.sleep(std::chrono::hours(24 * 3 - 1));
  settings.maximum_cache_age_days = 2;
  CHECK(fetch_now(false).error == "");
  machine.clock.sleep(std::chrono::hours(1));
  CHECK(
      fetch_now(false).error ==
      "document/timeout: cached document: expected at most 2 days since the last contact with the server (cachePolicy.maxAgeDays), found 3; bring the server back");
  settings.maximum_cache_age_days = 0;
  CHECK(fetch_now(false).error == "");
}

TEST_CASE_FIXTURE(FetchingMachine, "the first document must be there and sound") {
  site.is_away = true;
  CHECK(fetch_now().error == "document/unavailable: https://10.0.0.254:8444: connection refused");
  site.is_away = false;
  site.document_envelope = nonsense(*this, node_document_type);
  CHECK(fetch_now().error.starts_with("document/invalid: document refused: "));
  CHECK_FALSE(machine.files.status(paths::document_cache));
  site.odd_answer = [](const Envelope&, std::string_view) {
    return Result<std::optional<FetchedEnvelope>>(std::nullopt);
  };
  CHECK(fetch_now().error ==
        "document/internal: document: the server answered 304 to a request without an ETag");
}

TEST_CASE_FIXTURE(FetchingMachine, "a document that is refused leaves the last good one in force") {
  REQUIRE(fetch_now().error == "");
  const std::string good = text_of_cache(*this, paths::document_cache);
  const auto refusal = [&] {
    const auto seen = fetch_now();
    CHECK(seen.error == "");
    CHECK(seen.document == 5);
    CHECK(text_of_cache(*this, paths::document_cache) == good);
    CHECK(remembered().document_generation == 5);
    return seen.refused;
  };
  site.document_envelope = nonsense(*this, node_document_type);
  CHECK(refusal().starts_with("document refused: "));
  site.document_envelope = nonsense(*this, tombstone_type);
  CHECK(refusal().starts_with("tombstone refused: "));
  serve(4);
  CHECK(refusal().starts_with("document refused: generation: expected 5 or later, found 4; "));
  document.role.cluster.name = "other";
  serve(6);
  CHECK(refusal() == "document refused: cluster: expected 'lab', found 'other'");
  document.role.cluster.name = "lab";
  document.role.node = "m2";
  document.role.address = "10.77.0.12";
  document.role.role = Role::follower;
  serve(6);
  CHECK(refusal() == "document refused: node: expected 'm1', found 'm2'");
}

TEST_CASE_FIXTURE(FetchingMachine, "a tombstone of somebody else is no first document") {
  site.document_envelope = nonsense(*this, tombstone_type);
  CHECK(fetch_now().error.starts_with("document/invalid: tombstone refused: "));
  CHECK_FALSE(machine.files.status(paths::tombstone));
}

TEST_CASE_FIXTURE(FetchingMachine, "a document that cannot be kept is not taken") {
  machine.files.fail_at = machine.files.calls;
  CHECK(fetch_now().error.starts_with("disk/io: "));
  REQUIRE(fetch_now().error == "");
  serve(6);
  machine.files.fail_at = machine.files.calls;
  const auto seen = fetch_now();
  CHECK(seen.error == "");
  CHECK(seen.document == 5);
  CHECK(seen.unsaved == "write /var/lib/muster/cache/document.json: injected failure");
  CHECK(remembered().document_generation == 5);
  CHECK(fetch_now().document == 6);
  // That a generation would be forgotten is told.
  serve(7);
  machine.files.fail_at = machine.files.calls + 4;  // after document, peers and their copies
  CHECK(fetch_now().unsaved != "");
}

TEST_CASE_FIXTURE(FetchingMachine, "a generation has one content: another one of it is refused") {
  REQUIRE(fetch_now().error == "");
  const std::string taken = digest(site.document_envelope);
  const std::string cached = text_of_cache(*this, paths::document_cache);
  document.config.kernel.sysctl["vm.swappiness"] = "1";
  site.serve(document);
  const auto seen = fetch_now();
  CHECK(seen.document == 5);
  CHECK(
      seen.refused ==
      fmt::format(
          "document refused: generation 5: expected {}, which this machine took, found {}; the site has two histories: its database was put back, or somebody else signs with its key. If it was put back, publish the wanted content anew (`muster revision rollback`); else revoke that document key",
          taken, digest(site.document_envelope)));
  REQUIRE(seen.contradiction);
  CHECK(seen.contradiction->of == "document");
  CHECK(seen.contradiction->taken == taken);
  CHECK(text_of_cache(*this, paths::document_cache) == cached);
  // Nor does a cache that is lost let it in.
  put_cached(paths::document_cache, "{");
  CHECK(fetch_now().error.starts_with("document/conflict: document refused: generation 5: "));
  document.generation = 6;
  site.serve(document);
  const auto newer = fetch_now();
  CHECK(newer.document == 6);
  CHECK_FALSE(newer.contradiction);
}

TEST_CASE_FIXTURE(FetchingMachine, "what an agent before 0.3 took is known by its cache alone") {
  REQUIRE(fetch_now().error == "");
  Checkpoint before = remembered();
  before.document_taken = {4, "sha256:behind"};
  REQUIRE(save(before, machine.files));
  put_cached(paths::document_cache, "{");
  CHECK(fetch_now().document == 5);
}

TEST_CASE_FIXTURE(FetchingMachine, "nor are two peer lists of one generation taken") {
  REQUIRE(fetch_now().peers == 5);
  const std::string cached = text_of_cache(*this, paths::peers_cache);
  peers.peers.pop_back();
  site.serve(peers);
  const auto seen = fetch_now();
  CHECK(seen.peers == 5);
  CHECK(seen.error == "");
  REQUIRE(seen.contradiction);
  CHECK(seen.contradiction->of == "peers");
  CHECK(text_of_cache(*this, paths::peers_cache) == cached);
  CHECK(seen.peers_refused.starts_with("peers refused: generation 5: expected "));
}

TEST_CASE_FIXTURE(FetchingMachine, "no list of peers is another thing than an empty one") {
  is_same_agent = true;
  REQUIRE(fetch_now().peers == 5);
  put_cached(paths::peers_cache, "{");
  for (const bool is_online : {false, true}) {
    site.is_away = is_online;
    const auto seen = fetch_now(is_online);
    CHECK(seen.error == "");
    CHECK(seen.peers == 5);
    CHECK(seen.peers_refused != "");
  }
  // What it held belongs to its cluster.
  memory.peers.cluster = "other";
  CHECK(fetch_now(false).peers == 0);
}

TEST_CASE_FIXTURE(FetchingMachine,
                  "where both copies are lost, the settled document may be the one") {
  REQUIRE(fetch_now().error == "");
  Checkpoint checkpoint = remembered();
  REQUIRE(settle(machine.files, checkpoint, site.document_envelope, "state"));
  put_cached(paths::document_cache, "{");
  const auto seen = fetch_now(false);
  CHECK(seen.error == "");
  CHECK(seen.document == 5);
}
