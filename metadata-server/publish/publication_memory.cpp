#include "publish/publication_memory.hpp"

#include <algorithm>

#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

std::vector<std::string> ClusterMemory::forget_unseen() {
  std::vector<std::string> unseen;
  for (const auto& [node, content] : contents)
    if (content.seen != looks) unseen.push_back(node);
  for (const auto& node : unseen) contents.erase(node);
  std::sort(unseen.begin(), unseen.end());
  return unseen;
}

std::shared_ptr<ClusterMemory> PublicationMemory::of(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  auto& memory = clusters_[cluster];
  if (!memory) memory = std::make_shared<ClusterMemory>();
  return memory;
}

Result<std::shared_ptr<const ReadRevision>> PublicationMemory::revision(const Store& store,
                                                                        const std::string& cluster,
                                                                        std::uint64_t number) {
  const auto record = store.get(kinds::revision, kinds::revision_key(cluster, number));
  if (!record) return pass(record.error());
  {
    const std::lock_guard lock(mutex_);
    const auto found = revisions_.find(cluster);
    if (found != revisions_.end() && found->second.version == record->version)
      return found->second.read;
  }
  auto revision = parse_revision(record->value);
  if (!revision) return pass(revision.error());
  auto inventory = inventory_for(*revision);
  if (!inventory) return pass(inventory.error());
  auto read = std::make_shared<const ReadRevision>(
      ReadRevision{std::move(*revision), std::move(*inventory)});
  remember(record->version, read);
  return read;
}

void PublicationMemory::remember(std::uint64_t version,
                                 const std::shared_ptr<const ReadRevision>& read) {
  const std::lock_guard lock(mutex_);
  revisions_[read->revision.cluster] = {version, read};
}

PublicationTurn PublicationMemory::turn(const std::string& cluster) {
  std::shared_ptr<std::recursive_mutex> mutex;
  {
    const std::lock_guard lock(mutex_);
    auto& known = turns_[cluster];
    if (!known) known = std::make_shared<std::recursive_mutex>();
    mutex = known;
  }
  std::unique_lock lock(*mutex);
  return {std::move(mutex), std::move(lock)};
}

void PublicationMemory::forget(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  turns_.erase(cluster);
  clusters_.erase(cluster);
  records_.erase(cluster);
  revisions_.erase(cluster);
  inventories_.erase(cluster);
  members_.erase(cluster);
}

Result<std::shared_ptr<const Inventory>> PublicationMemory::inventory_for(
    const Revision& revision) {
  auto known = this->inventory(revision.cluster,
                               inventory_digest(revision.files, revision.instance_masters));
  if (known) return known;
  auto inventory = inventory_of(revision);
  if (inventory) return std::make_shared<const Inventory>(std::move(*inventory));
  return fail(
      ErrorKind::corrupt,
      fmt::format(
          "cluster '{}': this program refuses the inventory of revision {}, which an earlier one published. Apply a sound one:\n{}",
          revision.cluster, revision.number, to_text(inventory.error())));
}

Checked<std::shared_ptr<const Inventory>> PublicationMemory::load(const InventoryFiles& files,
                                                                  const ReleaseFlags& releases) {
  const std::lock_guard lock(loading_);
  auto inventory = muster::load(files, files_, Rules::today, releases);
  if (!inventory) return tl::unexpected(std::move(inventory.error()));
  return std::make_shared<const Inventory>(std::move(*inventory));
}

std::shared_ptr<const Inventory> PublicationMemory::inventory(const std::string& cluster,
                                                              const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto known = inventories_.find(cluster);
  const bool is_known = known != inventories_.end() && known->second.digest == digest;
  return is_known ? known->second.inventory : nullptr;
}

void PublicationMemory::remember(const std::string& cluster, const std::string& digest,
                                 std::shared_ptr<const Inventory> inventory) {
  const std::lock_guard lock(mutex_);
  inventories_[cluster] = {digest, std::move(inventory)};
}

Result<std::shared_ptr<const ClusterRecord>> PublicationMemory::read_cluster(
    const std::string& name, const std::string& text) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = records_.find(name);
    if (known != records_.end() && known->second.text == text) return known->second.record;
  }
  auto record = parse_cluster_record(text);
  if (!record) return pass(record.error());
  auto read = std::make_shared<const ClusterRecord>(std::move(*record));
  const std::lock_guard lock(mutex_);
  records_[name] = {text, read};
  return read;
}

void PublicationMemory::remember(const std::string& text, ClusterRecord record) {
  const std::string name = record.name;
  const std::lock_guard lock(mutex_);
  records_[name] = {text, std::make_shared<const ClusterRecord>(std::move(record))};
}

Result<FoundCluster> PublicationMemory::cluster(const Store& store, const std::string& name) {
  const auto record = store.get(kinds::cluster, name);
  if (!record) return find_cluster(store, name);
  auto read = read_cluster(name, record->value);
  if (!read) return while_doing(read.error(), fmt::format("cluster '{}'", name));
  return FoundCluster{**read, record->version};
}

namespace {

// A server before 0.3 let a pool's master end by its ttl without a word to the others. Who has been
// there longest of them is the first, as after `muster node remove`.
class FirstMaster {
 public:
  void look(const MemberRecord& record, std::ptrdiff_t place) {
    if (!is_control_plane(record.role)) return;
    if (record.role == Role::master) has_master_ = true;
    if (place_ >= 0 && record.admitted_at >= admitted_at_) return;
    place_ = place;
    admitted_at_ = record.admitted_at;
  }
  void name_in(std::vector<PoolMember>& members) const {
    if (!has_master_ && place_ >= 0) members[static_cast<std::size_t>(place_)].role = Role::master;
  }

 private:
  bool has_master_ = false;
  std::ptrdiff_t place_ = -1;
  std::int64_t admitted_at_ = 0;
};

}  // namespace

Result<std::vector<const MemberRecord*>> PublicationMemory::read_members(
    const std::vector<Record>& records, const std::string& cluster) {
  KnownMembers& known = members_[cluster];
  KnownMembers now;
  std::vector<const MemberRecord*> members;
  for (const Record& record : records) {
    KnownMember& member = now[record.key];
    if (const auto found = known.find(record.key); found != known.end())
      member = std::move(found->second);
    if (member.version != record.version) {
      auto parsed = parse_member_record(record.value);
      if (!parsed) return while_doing(parsed.error(), fmt::format("member '{}'", record.key));
      member = {record.version, std::move(*parsed)};
    }
    members.push_back(&member.record);
  }
  known.swap(now);
  return members;
}

Result<std::vector<PoolMember>> PublicationMemory::members(const Store& store,
                                                           const std::string& cluster) {
  const auto records = all_records(store, kinds::member, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  const std::lock_guard lock(mutex_);
  const auto found = read_members(*records, cluster);
  if (!found) return pass(found.error());
  std::vector<PoolMember> members;
  FirstMaster first;
  for (const MemberRecord* member : *found) {
    if (member->removed_at != 0) continue;
    first.look(*member, std::ssize(members));
    members.push_back({member->node, member->pool, member->role, member->address});
  }
  first.name_in(members);
  return members;
}

Result<std::vector<MemberRecord>> PublicationMemory::retired_members(const Store& store,
                                                                     const std::string& cluster) {
  const auto records = all_records(store, kinds::member, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  const std::lock_guard lock(mutex_);
  const auto found = read_members(*records, cluster);
  if (!found) return pass(found.error());
  std::vector<MemberRecord> retired;
  for (const MemberRecord* member : *found)
    if (member->removed_at != 0) retired.push_back(*member);
  return retired;
}

}  // namespace muster
