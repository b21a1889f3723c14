#include "publish/revision_difference.hpp"

#include "inventory/compile.hpp"
#include "publish/cluster_publication.hpp"

namespace muster {

namespace {

using Documents = std::map<std::string, NodeDocument>;  // by node

Published<Documents> documents_of(const Revision& revision) {
  const auto inventory = inventory_of(revision);
  if (!inventory) return tl::unexpected(refused(inventory.error()));
  auto compiled = compile(*inventory, revision.cluster, revision.facts);
  if (!compiled) return tl::unexpected(refused(std::move(compiled.error())));
  Documents documents;
  for (auto& document : compiled->documents) {
    const std::string node = document.role.node;
    documents[node] = std::move(document);
  }
  return documents;
}

std::vector<MachineChange> compare(const std::string& cluster, const Documents& from,
                                   const Documents& to) {
  using Kind = MachineChange::Kind;
  std::map<std::string, MachineChange> changes;
  for (const auto& [node, document] : from) {
    changes[node] = {cluster, node, Kind::removed, {}, {}, {}, {}};
  }
  for (const auto& [node, document] : to) {
    MachineChange change{cluster, node, Kind::added, {}, {}, {}, {}};
    if (const auto old = from.find(node); old != from.end()) {
      describe(old->second, document, change);
      change.kind = change.differences.empty() ? Kind::unchanged : Kind::changed;
    }
    changes[node] = std::move(change);
  }
  std::vector<MachineChange> sorted;
  for (auto& [node, change] : changes) sorted.push_back(std::move(change));
  return sorted;
}

}  // namespace

Published<RevisionDifference> diff_revisions(const Store& store, const std::string& cluster,
                                             const std::string& from, const std::string& to) {
  auto first = find_revision(store, cluster, from);
  if (!first) return tl::unexpected(refused(first.error()));
  auto second = find_revision(store, cluster, to);
  if (!second) return tl::unexpected(refused(second.error()));
  const auto old_documents = documents_of(*first);
  if (!old_documents) return tl::unexpected(old_documents.error());
  const auto new_documents = documents_of(*second);
  if (!new_documents) return tl::unexpected(new_documents.error());
  return RevisionDifference{std::move(*first), std::move(*second),
                            compare(cluster, *old_documents, *new_documents)};
}

}  // namespace muster
