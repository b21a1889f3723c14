// From an inventory to what machines are served: compile, compare, sign, and write everything in
// one transaction. Nothing is changed unless all of it is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "document/detached_signature.hpp"
#include "inventory/load.hpp"
#include "inventory/release_choice.hpp"
#include "inventory/site_facts.hpp"
#include "publish/current_documents.hpp"
#include "publish/machine_change.hpp"
#include "publish/publication_memory.hpp"
#include "publish/taken_generations.hpp"
#include "trust/cluster_authorities.hpp"
#include "trust/site_keys.hpp"

namespace muster {

// What publishing needs, passed in. All outlive the call.
struct PublishContext {
  Store& store;
  const SealingKey& sealing;
  const SiteKeys& keys;
  const CurrentDocuments& current;
  const Quarantine& quarantine;
  std::function<TimePoint()> now;
  // Fields that need a newer agent: a test's own, since there may be none yet.
  std::span<const LaterField> later = later_fields;
  // The earliest that it can be where `now` is in doubt (fleet/site_clock): what is forgotten by
  // its age goes by this. None: `now`.
  std::function<TimePoint()> earliest_now = {};
  KeySource service_account_key = PrivateKey::generate_rsa2048;
  std::shared_ptr<PublicationMemory> memory = std::make_shared<PublicationMemory>();
  // By the reports of a cluster's machines (fleet/other_history). What an operator publishes is
  // above these, whole, so that machines take it after an older database was put back; what
  // machines, bans and time cause never goes by them. None: nothing is known.
  std::function<TakenGenerations(const std::string& cluster)> taken = {};
  // The latest that it can be: nothing that is ordered in doubt ends before its time. None: `now`.
  std::function<TimePoint()> latest_now = {};
  // Of the releases that there are (publish/release_flags). None: the table of versions decides.
  std::function<ReleaseFlags()> release_flags = {};
  // How many files of each release are not on this server's disk: an operator is warned. None: it
  // is not looked for.
  std::function<Result<void>(std::vector<CatalogueEntry>& releases)> count_missing = {};
};
[[nodiscard]] TimePoint earliest_now(const PublishContext& context);
[[nodiscard]] TimePoint latest_now(const PublishContext& context);

struct PublishRequest {
  std::vector<std::string> clusters;  // empty: all that the files define
  InventoryFiles files;
  // Cluster -> revision; "" or absent: none yet. What machines, bans and time caused since then is
  // no other revision, except to signatures.
  std::map<std::string, std::string> based_on;
  bool on_current = false;  // absent from based_on: what is published when this is looked at first
  bool remove = false;      // machines that the files leave out may go
  // Releases that are to be the newest of the catalogue; others stay as they are where the files
  // write no version.
  std::vector<std::string> upgrades;
  bool dry_run = false;
  std::string actor;  // "operator anna"
  // Made away from here, by cluster; empty: the server signs.
  std::map<std::string, ClusterSignatures> signatures;
};

// A newer release that a cluster does not take until `upgrades` names it.
struct OfferedUpgrade {
  std::string cluster;
  ReleaseUpgrade release;
};

struct PublishOutcome {
  std::map<std::string, std::string> revisions;  // cluster -> digest
  std::map<std::string, std::string> based_on;   // the same of before; "": none
  std::vector<MachineChange> changes;            // by cluster and node
  std::vector<OfferedUpgrade> upgrades;          // by cluster and name
  std::vector<InventoryProblem> warnings;
  std::vector<std::string> notes;                // what else an operator should know
  std::map<std::string, std::uint64_t> numbers;  // cluster -> of its revision
  // Cluster -> number of the operator's revision that it is at: machines, bans and time leave that.
  std::map<std::string, std::uint64_t> contents;
  bool is_written = false;  // else what is current has it all already
};

// Why nothing was published. With problems the inventory is wrong (kind invalid).
struct PublishRefusal {
  Error error;
  std::vector<InventoryProblem> problems;
  bool is_lost = false;  // somebody changed meanwhile what it rests on: it may be tried again
};
template <class T>
using Published = tl::expected<T, PublishRefusal>;

// Refusals: invalid with problems; conflict: another revision than based_on is current, a machine
// would be removed without `remove`, or a live cluster's CIDRs, DNS domain or etcd topology would
// change, or the cluster was made on demand, or this server may not sign; as ClusterSigner says. A
// cluster whose content and signer are what is current already keeps its revision, and nothing is
// written. A machine's generation is the revision number that last changed its content or its
// signer.
[[nodiscard]] Published<PublishOutcome> publish(const PublishContext& context,
                                                const PublishRequest& request);

// The first revision of a cluster that is made from a template (inventory/cluster_template).
// `transaction`: what is to be written with it. conflict: there is a cluster of that name.
struct InstanceRequest {
  std::string cluster;
  InventoryFiles files;
  std::uint64_t masters = 1;
  std::string actor;
};
[[nodiscard]] Published<PublishOutcome> publish_instance(const PublishContext& context,
                                                         const InstanceRequest& request,
                                                         Transaction transaction);

// Publishes the content of an earlier revision (find_revision) anew: its files, catalogue and
// secret versions; authorities, pod networks, members of pools and banned machines are today's.
// Machines that it does not have are removed only with `remove`.
struct RollbackRequest {
  std::string cluster, revision, actor;
  bool remove = false;
  bool dry_run = false;
};
[[nodiscard]] Published<PublishOutcome> roll_back(const PublishContext& context,
                                                  const RollbackRequest& request);

// Publishes the current content with today's banned machines, members of pools and drains: what is
// due (records/due); the mark is gone with it. Left to publish/publisher. conflict: the cluster is
// in quarantine for more than its documents, which this writes anew.
[[nodiscard]] Published<PublishOutcome> republish(const PublishContext& context,
                                                  const std::string& cluster,
                                                  const std::string& actor);

}  // namespace muster
