// Where enrolment and boot find machines: what is published, each cluster replaced whole by its
// next publication. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "boot/boot_inventory.hpp"
#include "enrolment/enrolment_inventory.hpp"
#include "store/store.hpp"

namespace muster {

class InventorySlot {
 public:
  // Every published cluster: at the start.
  [[nodiscard]] Result<void> load(const Store& store);
  // One cluster, which may be gone. Cost: that cluster.
  [[nodiscard]] Result<void> reload(const Store& store, const std::string& cluster);
  [[nodiscard]] std::shared_ptr<const EnrolmentInventory> enrolment() const;
  [[nodiscard]] std::shared_ptr<const BootInventory> boot() const;

 private:
  std::mutex reloading_;  // one at a time, so that none undoes another's cluster
  mutable std::mutex mutex_;
  std::shared_ptr<const EnrolmentInventory> enrolment_ =
      std::make_shared<const EnrolmentInventory>();
  std::shared_ptr<const BootInventory> boot_ = std::make_shared<const BootInventory>();
};

}  // namespace muster
