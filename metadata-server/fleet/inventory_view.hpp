// Where enrolment and boot find machines: what is published, each cluster replaced whole when its
// inventory changes. Fed by the store's feed (kinds "cluster" and "revision"). Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "boot/boot_inventory.hpp"
#include "enrolment/enrolment_inventory.hpp"
#include "inventory/load.hpp"
#include "publish/publication_memory.hpp"
#include "publish/quarantine.hpp"
#include "store/views.hpp"

namespace muster {

class InventoryView final : public View {
 public:
  // A cluster whose inventory this program refuses gets into `quarantine`, with what can be read of
  // it, and is free again with the next one that is published. `memory`: of who publishes.
  explicit InventoryView(Quarantine& quarantine, std::shared_ptr<PublicationMemory> memory =
                                                     std::make_shared<PublicationMemory>())
      : quarantine_(quarantine), memory_(std::move(memory)) {}
  [[nodiscard]] Result<void> load(const Store& store) override;
  // A publication of the same inventory, as for a ban or an admission, costs the look at its
  // digest.
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  [[nodiscard]] std::shared_ptr<const EnrolmentInventory> enrolment() const;
  [[nodiscard]] std::shared_ptr<const BootInventory> boot() const;

 private:
  struct Machines {
    std::shared_ptr<const EnrolmentInventory> enrolment =
        std::make_shared<const EnrolmentInventory>();
    std::shared_ptr<const BootInventory> boot = std::make_shared<const BootInventory>();
    std::map<std::string, std::string> digests;  // cluster -> of the inventory that it is found in

    // `read`: as EnrolmentInventory::with.
    void replace(const std::string& cluster, const std::shared_ptr<const Inventory>& inventory,
                 const std::string& digest, const Result<void>& read);
  };
  [[nodiscard]] Result<void> follow(const Transaction::Change& change, const Commit& commit,
                                    Machines& next);
  // Notes whether its inventory is sound; error "quarantined": it is not, with the cure.
  [[nodiscard]] Result<void> judge(const std::string& cluster, Quarantine::Part part,
                                   const Result<void>& sound);
  [[nodiscard]] Machines machines() const;
  void set(Machines machines);

  Quarantine& quarantine_;
  const std::shared_ptr<PublicationMemory> memory_;
  mutable std::mutex mutex_;
  Machines machines_;
};

}  // namespace muster
