// One cluster's part of a publication: what compile makes of it, compared with what its machines
// are served now, signed, and put into the transaction. For publish.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "document/detached_signature.hpp"
#include "publish/publish.hpp"
#include "records/revision.hpp"

namespace muster {

struct ClusterInput {
  std::shared_ptr<const Inventory> inventory;
  const InventoryFiles& files;
  FoundCluster found;  // what is current; the commit fails if that changes
  SiteFacts facts;
  std::string actor;
  std::string action;  // of the audit row: "published", "rolled-back", "republished"
  bool remove = false;
  std::uint64_t rollback_of = 0;
  bool dry_run = false;                           // compares, signs and writes nothing
  const ClusterSignatures* signatures = nullptr;  // made away from here; else the server signs
  std::uint64_t instance_masters = 0;             // as Revision has it
  std::uint64_t content = 0;                      // as Revision has it
  std::string cause = {};                         // of a publication, as Revision has it
};

struct ClusterPublication {
  std::string cluster;
  std::string revision;
  std::uint64_t number = 0;  // of that revision; of a dry run, of the current one
  // Of the operator's revision whose files that one has, itself or one before; of a dry run
  // likewise.
  std::uint64_t content = 0;
  std::vector<std::string> notes;
  std::string told;  // what is written, for the log: who published what, with counts
  std::vector<MachineChange> changes;
  std::vector<ReleaseUpgrade> upgrades;  // that it does not take by itself
  std::vector<CatalogueEntry> releases;  // that its machines run
  std::vector<InventoryProblem> warnings;
  bool is_changed = false;                      // else nothing is written
  std::shared_ptr<const ReadRevision> written;  // where it has files of its own
};

[[nodiscard]] inline PublishRefusal refused(Error error) {
  return {std::move(error), {}};
}
[[nodiscard]] PublishRefusal refused(std::vector<InventoryProblem> problems);

[[nodiscard]] Published<ClusterPublication> prepare_publication(const PublishContext& context,
                                                                const ClusterInput& input,
                                                                Transaction& transaction);

}  // namespace muster
