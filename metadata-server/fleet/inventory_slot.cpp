#include "fleet/inventory_slot.hpp"

#include "records/all_records.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<void> InventorySlot::load(const Store& store) {
  const auto clusters = all_records(store, kinds::cluster);
  if (!clusters) return pass(clusters.error());
  for (const auto& record : *clusters) {
    if (auto loaded = reload(store, record.key); !loaded) return loaded;
  }
  return {};
}

Result<void> InventorySlot::reload(const Store& store, const std::string& cluster) {
  const std::lock_guard alone(reloading_);
  auto published = published_inventory(store, cluster);
  if (!published && published.error().kind != ErrorKind::not_found) {
    return pass(published.error());
  }
  const Inventory inventory = published ? std::move(*published) : Inventory{};
  auto for_enrolment =
      std::make_shared<const EnrolmentInventory>(enrolment()->with(cluster, inventory));
  auto for_boot = std::make_shared<const BootInventory>(boot()->with(cluster, inventory));
  const std::lock_guard lock(mutex_);
  enrolment_ = std::move(for_enrolment);
  boot_ = std::move(for_boot);
  return {};
}

std::shared_ptr<const EnrolmentInventory> InventorySlot::enrolment() const {
  const std::lock_guard lock(mutex_);
  return enrolment_;
}

std::shared_ptr<const BootInventory> InventorySlot::boot() const {
  const std::lock_guard lock(mutex_);
  return boot_;
}

}  // namespace muster
