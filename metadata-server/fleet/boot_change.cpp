#include "fleet/boot_change.hpp"

#include "records/audit.hpp"
#include "records/revision.hpp"

namespace muster {

Result<void> change_boot(const Fleet& fleet, const NodeName& node, const std::string& by,
                         const std::string& action, const std::string& detail,
                         const std::function<Result<bool>(BootRecord&)>& change) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  return update(fleet.store, kinds::boot, key,
                [&](const std::optional<std::string>&, Transaction& transaction) -> Result<void> {
                  if (auto there = expect_cluster(fleet.store, node.cluster, transaction); !there)
                    return there;
                  auto found = find_boot(fleet.store, node.cluster, node.node);
                  if (!found) return pass(found.error());
                  const auto is_changed = change(found->record);
                  if (!is_changed) return pass(is_changed.error());
                  if (!*is_changed) return {};
                  put_boot(*found, transaction);
                  append_audit(transaction, fleet.enrolment.now(), by, action, key, detail);
                  return {};
                });
}

}  // namespace muster
