#include "fleet/members.hpp"

#include <set>

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

std::string cluster_of_member(const std::string& key) {
  const auto names = kinds::parse_pair_key(key);
  return names ? names->first : key;
}

}  // namespace

// Each that cannot be read by name: the cure is of one.
void Members::note(const std::string& cluster) const {
  std::string reasons;
  for (const auto& [key, reason] : unread_)
    if (cluster_of_member(key) == cluster) reasons += (reasons.empty() ? "" : "; ") + reason;
  quarantine_.note(cluster, Quarantine::Part::members,
                   reasons.empty() ? Result<void>() : fail(ErrorKind::corrupt, reasons));
}

Result<void> Members::load(const Store& store) {
  const auto records = all_records(store, kinds::member);
  if (!records) return pass(records.error());
  std::map<std::string, MemberRecord> loaded;
  std::map<std::string, std::string> unread;
  std::set<std::string> clusters;
  for (const auto& record : *records) {
    clusters.insert(cluster_of_member(record.key));
    auto member = read_present(record.key, record.value);
    if (!member) {
      unread[record.key] = member.error().message;
    } else if (*member) {
      loaded[record.key] = std::move(**member);
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [key, reason] : unread_) clusters.insert(cluster_of_member(key));
  members_ = std::move(loaded);
  unread_ = std::move(unread);
  for (const auto& cluster : clusters) note(cluster);
  return {};
}

Result<void> Members::follow(const Commit& commit) {
  Result<void> all;
  for (const auto& change : commit.changes) {
    if (change.kind != kinds::member) continue;
    std::optional<MemberRecord> member;
    std::string unread;
    if (change.value) {
      auto read = read_present(change.key, *change.value);
      if (read) {
        member = std::move(*read);
      } else {
        unread = read.error().message;
        all = pass(read.error());
      }
    }
    const std::lock_guard lock(mutex_);
    if (member) members_[change.key] = std::move(*member);
    // One that cannot be read is missed as it was.
    if (!member && unread.empty()) members_.erase(change.key);
    const bool was_unread = unread_.erase(change.key) > 0;
    if (!unread.empty()) unread_[change.key] = unread;
    if (was_unread || !unread.empty()) note(cluster_of_member(change.key));
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
