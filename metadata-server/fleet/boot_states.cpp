#include "fleet/boot_states.hpp"

#include <utility>

#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<void> BootStates::load(const Store& store) {
  const auto records = all_records(store, kinds::boot);
  if (!records) return pass(records.error());
  std::map<std::string, BootRecord> loaded;
  for (const auto& record : *records) {
    if (auto parsed = parse_boot_record(record.value)) loaded[record.key] = std::move(*parsed);
  }
  const std::lock_guard lock(mutex_);
  records_ = std::move(loaded);
  return {};
}

Result<void> BootStates::follow(const Commit& commit) {
  for (const auto& change : commit.changes) {
    const bool is_boot = change.kind == kinds::boot;
    const bool is_gone = change.kind == kinds::document && !change.value;
    if (!is_boot && !is_gone) continue;
    auto parsed = is_boot && change.value ? parse_boot_record(*change.value)
                                          : Result<BootRecord>(BootRecord());
    const std::lock_guard lock(mutex_);
    if (is_gone) scripts_.erase(change.key);
    if (!is_boot) continue;
    if (change.value && parsed) {
      records_[change.key] = std::move(*parsed);
    } else {
      records_.erase(change.key);
    }
  }
  return {};
}

BootRecord BootStates::find(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(kinds::pair_key(node.cluster, node.node));
  if (found != records_.end()) return found->second;
  BootRecord none;
  none.cluster = node.cluster;
  none.node = node.node;
  return none;
}

ToldScript BootStates::script(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = scripts_.find(kinds::pair_key(node.cluster, node.node));
  return found == scripts_.end() ? ToldScript() : found->second;
}

void BootStates::note_script(const NodeName& node, ToldScript script) {
  const std::lock_guard lock(mutex_);
  scripts_[kinds::pair_key(node.cluster, node.node)] = std::move(script);
}

}  // namespace muster
