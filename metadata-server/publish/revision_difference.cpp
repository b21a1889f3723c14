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

Published<Documents> documents_of(const ServedCluster& served) {
  Documents documents;
  for (const auto& [node, answer] : served.documents) {
    auto document = read_document(*answer);
    if (!document) return tl::unexpected(refused(document.error()));
    documents[node] = std::move(*document);
  }
  return documents;
}

struct Sides {
  const Store& store;
  const CurrentDocuments& current;
  const std::string& cluster;
  std::vector<std::string>& notes;

  [[nodiscard]] Published<Documents> read(const std::string& wanted, Revision& head) const {
    auto published = find_published(store, cluster, wanted);
    if (!published) return tl::unexpected(refused(published.error()));
    head = std::move(*published);
    if (head.content == 0) return documents_of(head);
    const auto served = current.cluster(cluster);
    if (served && served->revision_number == head.number) return documents_of(*served);
    notes.push_back(fmt::format(
        "publication {} ({}) has no files of its own, and which machines were banned, members or drained then is not kept: it is compared as revision {}, whose files it has",
        head.number, head.cause, head.content));
    const auto revision = find_revision(store, cluster, wanted);
    if (!revision) return tl::unexpected(refused(revision.error()));
    return documents_of(*revision);
  }
};

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

Published<RevisionDifference> diff_revisions(const Store& store, const CurrentDocuments& current,
                                             const std::string& cluster, const std::string& from,
                                             const std::string& to) {
  RevisionDifference difference;
  const Sides sides{store, current, cluster, difference.notes};
  const auto old_documents = sides.read(from, difference.from);
  if (!old_documents) return tl::unexpected(old_documents.error());
  const auto new_documents = sides.read(to, difference.to);
  if (!new_documents) return tl::unexpected(new_documents.error());
  difference.changes = compare(cluster, *old_documents, *new_documents);
  return difference;
}

}  // namespace muster
