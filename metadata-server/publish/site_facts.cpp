#include "publish/site_facts.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "pki/unix_seconds.hpp"
#include "publish/releases.hpp"
#include "records/drain.hpp"
#include "records/revision.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

namespace {

// Which release the cluster has in which version by its current revision: nothing before its first
// publication. Of a record that an earlier program wrote, it is what its machines are served, or
// else what that revision chose.
Result<std::map<std::string, std::string>> pins_of(const Store& store,
                                                   const ClusterRecord& record) {
  if (record.revision_number == 0 || !record.releases.empty()) return record.releases;
  std::map<std::string, std::string> pins;
  const auto served = read_served_cluster(store, record);
  if (!served) return pass(served.error());
  for (const auto& [node, answer] : (*served)->documents) {
    const auto document = read_document(*answer);
    if (!document) return pass(document.error());
    for (const auto& release : document->config.releases) pins[release.name] = release.version;
  }
  if (!pins.empty()) return pins;
  const auto revision = find_revision(store, record.name, fmt::to_string(record.revision_number));
  if (!revision) return pass(revision.error());
  for (const auto& release : releases_of(*revision)) pins[release.name] = release.version;
  return pins;
}

}  // namespace

Result<SiteFacts> gather_site_facts(const Store& store, const std::string& site,
                                    const ClusterRecord& cluster,
                                    std::vector<std::string> banned_machines,
                                    std::vector<PoolMember> members, TimePoint now) {
  SiteFacts facts;
  facts.site = site;
  auto authorities = load_cluster_authorities(store, cluster.name);
  if (!authorities) return pass(authorities.error());
  facts.authorities = std::move(*authorities);
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return pass(catalogue.error());
  for (const auto& release : catalogue->releases()) {
    facts.catalogue.push_back(
        {release.name, release.version, release.manifest_digest, release.size});
  }
  const auto secrets = list_secrets(store, cluster.name);
  if (!secrets) return pass(secrets.error());
  for (const auto& secret : *secrets) facts.secrets[secret.name] = secret.version;
  auto pins = pins_of(store, cluster);
  if (!pins) return pass(pins.error());
  facts.pins = std::move(*pins);
  facts.pod_cidrs = cluster.pod_cidrs;
  const std::int64_t seconds = unix_seconds(now);
  for (const auto& [node, until] : cluster.departed) {
    if (until > seconds) facts.departed_machines.push_back(node);
  }
  facts.members = std::move(members);
  const auto drains = list_drains(store, cluster.name);
  if (!drains) return pass(drains.error());
  for (const auto& [record, version] : *drains)
    facts.drains[record.node] = record.given_up ? Drain::cordon : Drain::evict;
  const auto documents = store.count(kinds::document, kinds::prefix_of(cluster.name));
  if (!documents) return pass(documents.error());
  facts.is_started = *documents > 0;
  std::sort(banned_machines.begin(), banned_machines.end());
  facts.banned_machines = std::move(banned_machines);
  return facts;
}

std::vector<std::string> may_leave(const ServedCluster& served, const std::string& cluster,
                                   const SiteFacts& facts, const Inventory* inventory) {
  std::unordered_set<std::string_view> stays;
  if (inventory != nullptr) {
    const auto nodes = nodes_of(*inventory, cluster);
    stays.reserve(nodes.size() + facts.members.size());
    for (const Node* node : nodes) stays.insert(node->name.value);
    std::unordered_set<std::string_view> pools;
    for (const NodePool* pool : pools_of(*inventory, cluster)) pools.insert(pool->name.value);
    for (const PoolMember& member : facts.members)
      if (pools.contains(member.pool)) stays.insert(member.name);
  }
  std::vector<std::string> leaving;
  for (const auto& [node, answer] : served.documents) {
    if (!stays.contains(node)) leaving.push_back(node);
  }
  return leaving;
}

}  // namespace muster
