#include "fleet/members.hpp"

#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

Result<std::optional<MemberRecord>> read_present(std::string_view key, std::string_view value) {
  auto member = parse_member_record(value);
  if (!member) return while_doing(member.error(), fmt::format("member '{}'", key));
  if (member->removed_at != 0) return std::nullopt;
  return std::optional(std::move(*member));
}

}  // namespace

Result<void> Members::load(const Store& store) {
  const auto records = all_records(store, kinds::member);
  if (!records) return pass(records.error());
  std::map<std::string, MemberRecord> loaded;
  std::map<std::string, Result<void>> clusters;
  for (const auto& record : *records) {
    auto member = read_present(record.key, record.value);
    const auto names = kinds::parse_pair_key(record.key);
    Result<void>& sound = clusters[names ? names->first : record.key];
    if (!member) {
      sound = pass(member.error());
    } else if (*member) {
      loaded[record.key] = std::move(**member);
    }
  }
  for (const auto& [cluster, sound] : clusters)
    quarantine_.note(cluster, Quarantine::Part::members, sound);
  const std::lock_guard lock(mutex_);
  members_ = std::move(loaded);
  return {};
}

Result<void> Members::follow(const Commit& commit) {
  Result<void> all;
  for (const auto& change : commit.changes) {
    if (change.kind != kinds::member) continue;
    std::optional<MemberRecord> member;
    if (change.value) {
      auto read = read_present(change.key, *change.value);
      if (!read) {
        all = pass(read.error());
        const auto names = kinds::parse_pair_key(change.key);
        quarantine_.note(names ? names->first : change.key, Quarantine::Part::members, all);
        continue;
      }
      member = std::move(*read);
    }
    const std::lock_guard lock(mutex_);
    if (member) {
      members_[change.key] = std::move(*member);
    } else {
      members_.erase(change.key);
    }
  }
  return all;
}

std::optional<MemberRecord> Members::find(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(kinds::pair_key(node.cluster, node.node));
  if (found == members_.end()) return std::nullopt;
  return found->second;
}

std::vector<MemberRecord> Members::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<MemberRecord> members;
  for (const auto& [key, member] : members_) members.push_back(member);
  return members;
}

}  // namespace muster
