#include <spdlog/spdlog.h>

#include <set>

#include "artifact/catalogue.hpp"
#include "document/release.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "publish/releases.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster::handlers {
namespace {

// An upload that has no release yet is not garbage: its release comes after its last artifact.
constexpr std::chrono::hours prune_grace{1};

// Manifests that a document names which is served, or would be after a rollback. A publication that
// begins to use another one meanwhile fails the transaction.
Result<std::set<std::string>> manifests_in_use(const Rooms& rooms, Transaction& transaction) {
  for (const auto& name : rooms.current.clusters()) {
    const auto cluster = rooms.store.get(kinds::cluster, name);
    if (!cluster) return pass(cluster.error());
    transaction.expect(kinds::cluster, name, cluster->version);
  }
  auto used = manifests_of_revisions(rooms.store);
  if (!used) return used;
  for (const auto& name : rooms.current.clusters()) {
    const auto cluster = rooms.current.cluster(name);
    if (!cluster) continue;
    for (const auto& [node, answer] : cluster->documents) {
      const auto document = read_document(*answer);
      if (!document) return pass(document.error());
      for (const auto& release : document->config.releases) used->insert(release.manifest_digest);
    }
  }
  return used;
}

}  // namespace

Result<Response> get_releases(const Rooms& rooms, const Caller&, const Request&) {
  const auto catalogue = load_catalogue(rooms.store);
  if (!catalogue) return pass(catalogue.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& release : catalogue->releases()) {
    rows.push_back({{"name", release.name},
                    {"version", release.version},
                    {"manifestDigest", release.manifest_digest},
                    {"size", release.size},
                    {"artifacts", release.artifacts.size()}});
  }
  return json_response({{"releases", rows}});
}

Result<Response> post_releases(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto release = parse_release(request.body);
  if (!release) return pass(release.error());
  const auto added =
      add_release(rooms.store, rooms.artifacts, *release, caller.text(), rooms.enrolment.now());
  if (!added) return pass(added.error());
  spdlog::info("{}: added release {} {}", caller.text(), release->name, release->version);
  return json_response({{"name", release->name},
                        {"version", release->version},
                        {"manifestDigest", digest(*release)}});
}

Result<Response> post_prune(const Rooms& rooms, const Caller& caller, const Request& request) {
  if (auto read = read_json_body("prune request", request, [](JsonObject&) {}); !read) {
    return pass(read.error());
  }
  auto catalogue = load_catalogue(rooms.store);
  if (!catalogue) return pass(catalogue.error());
  Transaction transaction;
  const auto used = manifests_in_use(rooms, transaction);
  if (!used) return pass(used.error());
  nlohmann::json removed = nlohmann::json::array();
  const auto releases = catalogue->releases();  // a copy: the catalogue shrinks below
  for (const auto& release : releases) {
    const auto newest = catalogue->newest(release.name);
    const bool is_newest = newest && (*newest)->version == release.version;
    if (is_newest || used->contains(release.manifest_digest)) continue;
    removed.push_back({{"name", release.name}, {"version", release.version}});
    const std::string key = kinds::pair_key(release.name, release.version);
    transaction.remove(kinds::release, key);
    append_audit(transaction, rooms.enrolment.now(), caller.text(), "release-removed", key);
    catalogue->remove(release.name, release.version);
  }
  if (auto written = rooms.store.commit(transaction); !written) return pass(written.error());
  const auto pruned = rooms.artifacts.prune(catalogue->referred(), prune_grace);
  if (!pruned) return pass(pruned.error());
  spdlog::info("{}: pruned {} releases, {} artifacts, {} bytes", caller.text(), removed.size(),
               pruned->removed, pruned->bytes_removed);
  return json_response(
      {{"releases", removed}, {"artifacts", pruned->removed}, {"bytes", pruned->bytes_removed}});
}

}  // namespace muster::handlers
