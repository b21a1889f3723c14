#include "fleet/inventory_view.hpp"

#include <algorithm>

#include "records/all_records.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

void InventoryView::Machines::replace(const std::string& cluster,
                                      const std::shared_ptr<const Inventory>& inventory,
                                      const std::string& digest, const Result<void>& read) {
  enrolment =
      std::make_shared<const EnrolmentInventory>(enrolment->with(cluster, *inventory, read));
  boot = std::make_shared<const BootInventory>(boot->with(cluster, inventory));
  if (digest.empty()) {
    digests.erase(cluster);
  } else {
    digests[cluster] = digest;
  }
}

Result<void> InventoryView::judge(const std::string& cluster, Quarantine::Part part,
                                  const Result<void>& sound) {
  quarantine_.note(cluster, part, sound);
  return sound ? sound : quarantine_.check_free(cluster);
}

Result<void> InventoryView::load(const Store& store) {
  const auto clusters = all_records(store, kinds::cluster);
  if (!clusters) return pass(clusters.error());
  Machines loaded;
  for (const auto& record : *clusters) {
    const auto cluster = parse_cluster_record(record.value);
    if (!cluster) {
      const auto read =
          judge(record.key, Quarantine::Part::record,
                while_doing(cluster.error(), fmt::format("cluster '{}'", record.key)));
      loaded.replace(record.key, std::make_shared<const Inventory>(), {}, read);
      continue;
    }
    memory_->forget(record.key);  // the store may have been put back, or spoiled
    auto stored = stored_inventory(store, record.key);
    if (!stored) return pass(stored.error());
    const auto read = judge(record.key, Quarantine::Part::inventory, stored->sound);
    // What is refused is looked at again, whatever comes.
    const auto inventory = std::make_shared<const Inventory>(std::move(stored->inventory));
    loaded.replace(record.key, inventory, stored->sound ? cluster->inventory : std::string(), read);
    if (stored->sound) memory_->remember(record.key, cluster->inventory, inventory);
  }
  set(std::move(loaded));
  return {};
}

Result<void> InventoryView::follow(const Commit& commit) {
  const bool is_touched = std::any_of(commit.changes.begin(), commit.changes.end(),
                                      [](const auto& one) { return one.kind == kinds::cluster; });
  if (!is_touched) return {};
  Machines next = machines();
  Result<void> all;
  for (const auto& change : commit.changes) {
    if (change.kind != kinds::cluster) continue;
    if (auto done = follow(change, commit, next); !done)
      all = while_doing(done.error(), fmt::format("cluster '{}'", change.key));
  }
  set(std::move(next));
  return all;
}

// The revision is written in the transaction that makes it current.
Result<void> InventoryView::follow(const Transaction::Change& change, const Commit& commit,
                                   Machines& next) {
  if (!change.value) {
    next.replace(change.key, std::make_shared<const Inventory>(), {}, {});
    memory_->forget(change.key);
    return {};
  }
  const auto read = memory_->read_cluster(change.key, *change.value);
  if (!read) return pass(read.error());
  const std::shared_ptr<const ClusterRecord>& cluster = *read;
  const auto known = next.digests.find(change.key);
  if (known != next.digests.end() && known->second == cluster->inventory) return {};
  if (const auto inventory = memory_->inventory(change.key, cluster->inventory)) {
    quarantine_.note(change.key, Quarantine::Part::inventory, {});
    next.replace(change.key, inventory, cluster->inventory, {});
    return {};
  }
  const auto key = kinds::revision_key(change.key, cluster->revision_number);
  const auto revision = std::find_if(
      commit.changes.begin(), commit.changes.end(),
      [&](const auto& one) { return one.kind == kinds::revision && one.key == key && one.value; });
  // Another change of the record: of a quarantined cluster, or one that an earlier program wrote.
  if (revision == commit.changes.end() && known == next.digests.end()) return {};
  if (revision == commit.changes.end())
    return fail(
        ErrorKind::corrupt,
        fmt::format("revision '{}': expected it with the cluster's record, found none", key));
  StoredInventory stored = stored_inventory(key, *revision->value);
  const auto judged = judge(change.key, Quarantine::Part::inventory, stored.sound);
  next.replace(change.key, std::make_shared<const Inventory>(std::move(stored.inventory)),
               stored.sound ? cluster->inventory : std::string(), judged);
  return stored.sound;
}

std::shared_ptr<const EnrolmentInventory> InventoryView::enrolment() const {
  const std::lock_guard lock(mutex_);
  return machines_.enrolment;
}

std::shared_ptr<const BootInventory> InventoryView::boot() const {
  const std::lock_guard lock(mutex_);
  return machines_.boot;
}

InventoryView::Machines InventoryView::machines() const {
  const std::lock_guard lock(mutex_);
  return machines_;
}

void InventoryView::set(Machines machines) {
  const std::lock_guard lock(mutex_);
  machines_ = std::move(machines);
}

}  // namespace muster
