// Inventory + site facts -> the documents of one cluster. Pure: equal inputs give equal bytes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "inventory/objects.hpp"
#include "inventory/release_choice.hpp"
#include "inventory/site_facts.hpp"

namespace muster {

struct CompiledCluster {
  std::string name;
  std::vector<NodeDocument> documents;  // in name order, generation 0: the server gives it
  PeerList peers;                       // generation 0
  // Node -> pod network of this compile, for the server to keep: SiteFacts.pod_cidrs of the next
  // one. Networks of nodes that are gone stay reserved until the server drops them.
  std::map<std::string, std::string> pod_cidrs;
  std::vector<CatalogueEntry> releases;  // of its machines, whatever their role; in name order
  std::vector<ReleaseUpgrade> upgrades;  // that it does not take by itself
  std::vector<InventoryProblem> warnings;
  // What it took, counted: tests hold it linear in the number of nodes.
  std::size_t work = 0;
};

// All problems that need the site's facts: versions that are not in the catalogue, unknown secrets,
// no free pod network, a listed node with the name or address of a pool's member. No documents
// while a cluster whose masters come from a pool awaits them: its masters start together or not at
// all. Cost: linear in the cluster's nodes and members.
[[nodiscard]] Checked<CompiledCluster> compile(const Inventory& inventory,
                                               const std::string& cluster, const SiteFacts& facts);

}  // namespace muster
