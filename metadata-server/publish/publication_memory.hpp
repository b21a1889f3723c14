// What this process worked out for earlier publications, or read of what they wrote: one reading
// for all who need it. It is found again by digests of everything that it was worked out from, or
// by the text or version of what it was read from: it may be empty, and is never wrong.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "document/document_format.hpp"
#include "inventory/compilation.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"

namespace muster {

// A revision and what its files say.
struct ReadRevision {
  Revision revision;
  std::shared_ptr<const Inventory> inventory;
};

// Of one cluster; for who holds its mutex.
struct ClusterMemory {
  std::mutex mutex;
  SharedConfigs configs;
  struct Content {
    std::string inputs;   // what the document is made of (MachineInput)
    std::string content;  // digest of it with generation 0
    DocumentNeeds needs;
    std::uint64_t seen = 0;  // the last of `looks` that compiled it
  };
  std::unordered_map<std::string, Content> contents;  // by node
  std::uint64_t looks = 0;
  // Forgets, and tells in name order, those that this look did not see.
  [[nodiscard]] std::vector<std::string> forget_unseen();
  std::weak_ptr<const Inventory> recognised;
  std::string recognition;  // recognition_of that inventory, as a JSON string
};

// While it lives, nobody else has the turn; the same thread may take it again.
struct PublicationTurn {
  std::shared_ptr<std::recursive_mutex> mutex;
  std::unique_lock<std::recursive_mutex> lock;
};

class PublicationMemory {
 public:
  // Waits for whoever publishes the cluster. A publication needs none: its commit is guarded. It is
  // for an order that others overtake; who takes several takes them in the order of their names.
  [[nodiscard]] PublicationTurn turn(const std::string& cluster);
  [[nodiscard]] std::shared_ptr<ClusterMemory> of(const std::string& cluster);
  // As load() does, the files that it knows left out.
  [[nodiscard]] Checked<std::shared_ptr<const Inventory>> load(const InventoryFiles& files,
                                                               const ReleaseFlags& releases);
  // The record that `text` is; read only where it is another than last time.
  [[nodiscard]] Result<std::shared_ptr<const ClusterRecord>> read_cluster(const std::string& name,
                                                                          const std::string& text);
  void remember(const std::string& text, ClusterRecord record);
  // The one with this inventory_digest; nullptr: it is not the cluster's last.
  [[nodiscard]] std::shared_ptr<const Inventory> inventory(const std::string& cluster,
                                                           const std::string& digest);
  void remember(const std::string& cluster, const std::string& digest,
                std::shared_ptr<const Inventory> inventory);
  // A revision never changes, so one that was read is good for ever; the last one of each cluster
  // is kept. not_found: there is none; corrupt: this program refuses its inventory.
  [[nodiscard]] Result<std::shared_ptr<const ReadRevision>> revision(const Store& store,
                                                                     const std::string& cluster,
                                                                     std::uint64_t number);
  // `version`: of its record.
  void remember(std::uint64_t version, const std::shared_ptr<const ReadRevision>& read);
  // As find_cluster has it.
  [[nodiscard]] Result<FoundCluster> cluster(const Store& store, const std::string& name);
  // It is no more.
  void forget(const std::string& cluster);
  // Those that are there now, in name order.
  [[nodiscard]] Result<std::vector<PoolMember>> members(const Store& store,
                                                        const std::string& cluster);
  // Those that were removed and hold their places still.
  [[nodiscard]] Result<std::vector<MemberRecord>> retired_members(const Store& store,
                                                                  const std::string& cluster);

 private:
  struct KnownRevision {
    std::uint64_t version = 0;  // of its record: another cluster may have had the name
    std::shared_ptr<const ReadRevision> read;
  };
  struct KnownMember {
    std::uint64_t version = 0;
    MemberRecord record;
  };
  struct KnownCluster {
    std::string text;
    std::shared_ptr<const ClusterRecord> record;
  };
  struct KnownInventory {
    std::string digest;
    std::shared_ptr<const Inventory> inventory;
  };
  using KnownMembers = std::unordered_map<std::string, KnownMember>;  // by key
  // Of a cluster, in the order of their keys; valid as long as the mutex is held, which it is.
  [[nodiscard]] Result<std::vector<const MemberRecord*>> read_members(
      const std::vector<Record>& records, const std::string& cluster);
  [[nodiscard]] Result<std::shared_ptr<const Inventory>> inventory_for(const Revision& revision);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<std::recursive_mutex>> turns_;
  std::map<std::string, std::shared_ptr<ClusterMemory>> clusters_;
  std::map<std::string, KnownCluster> records_;
  std::map<std::string, KnownRevision> revisions_;
  std::map<std::string, KnownInventory> inventories_;
  std::mutex loading_;
  KnownFiles files_;
  std::map<std::string, KnownMembers> members_;
};

}  // namespace muster
