#include "site/pool_member.hpp"

#include <fmt/format.h>

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "site/agenda.hpp"
#include "site/all_records.hpp"
#include "site/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

Result<std::optional<FoundMember>> read_member(const Store& store, const std::string& key) {
  const auto record = store.get(kinds::member, key);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto member = parse_member_record(record->value);
  if (!member) return context(member.error(), fmt::format("member '{}'", key));
  return FoundMember{std::move(*member), record->version};
}

std::string key_of(const MemberRecord& record) {
  return kinds::pair_key(record.cluster, record.node);
}

std::int64_t free_at(const MemberRecord& record) {
  return record.removed_at + std::chrono::seconds(member_quarantine).count();
}

}  // namespace

std::string to_json(const MemberRecord& record) {
  return canonical_text({{"cluster", record.cluster},
                         {"node", record.node},
                         {"pool", record.pool},
                         {"role", name(record.role)},
                         {"address", record.address},
                         {"key", record.key},
                         {"admittedAt", record.admitted_at},
                         {"removedAt", record.removed_at},
                         {"endsAt", record.ends_at}});
}

Result<MemberRecord> parse_member_record(std::string_view json) {
  const auto value = parse_strict_json("member record", json);
  if (!value) return pass(value.error());
  MemberRecord record;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("cluster", record.cluster);
  root.text("node", record.node);
  root.text("pool", record.pool);
  root.word("role", record.role, parse_role);
  root.text("address", record.address);
  root.text("key", record.key);
  root.number("admittedAt", record.admitted_at);
  root.number("removedAt", record.removed_at);
  root.number("endsAt", record.ends_at, Need::optional);
  root.close();
  if (!problems.empty()) return fail("member record", problems);
  return record;
}

Result<std::optional<FoundMember>> find_member(const Store& store, const std::string& cluster,
                                               const std::string& node) {
  return read_member(store, kinds::pair_key(cluster, node));
}

Result<std::optional<FoundMember>> find_member_at(const Store& store, const std::string& address) {
  const auto holder = store.get(kinds::address, address);
  if (!holder && holder.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!holder) return pass(holder.error());
  return read_member(store, holder->value);
}

Result<std::vector<MemberRecord>> list_members(const Store& store, const std::string& cluster) {
  const auto records = all_records(store, kinds::member, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::vector<MemberRecord> members;
  for (const auto& record : *records) {
    auto member = parse_member_record(record.value);
    if (!member) return context(member.error(), fmt::format("member '{}'", record.key));
    members.push_back(std::move(*member));
  }
  return members;
}

void add_member(const MemberRecord& record, Transaction& transaction) {
  const std::string key = key_of(record);
  transaction.expect(kinds::member, key, 0)
      .put(kinds::member, key, to_json(record))
      .expect(kinds::address, record.address, 0)
      .put(kinds::address, record.address, key);
  if (record.ends_at != 0)
    put_agenda({record.ends_at, std::string(agenda::member), key, {}}, transaction);
}

void remove_agenda_of(const MemberRecord& record, Transaction& transaction) {
  if (record.ends_at != 0)
    remove_agenda(record.ends_at, agenda::member, key_of(record), transaction);
  if (record.removed_at != 0)
    remove_agenda(free_at(record), agenda::released, key_of(record), transaction);
}

void put_member(const FoundMember& found, Transaction& transaction) {
  const std::string key = key_of(found.record);
  transaction.expect(kinds::member, key, found.version)
      .put(kinds::member, key, to_json(found.record));
}

void retire_member(FoundMember found, std::int64_t now, Transaction& transaction) {
  remove_agenda_of(found.record, transaction);
  found.record.removed_at = now;
  put_agenda({free_at(found.record), std::string(agenda::released), key_of(found.record), {}},
             transaction);
  put_member(found, transaction);
}

Result<std::size_t> release_retired_members(Store& store, const std::string& cluster,
                                            std::int64_t now, std::chrono::seconds quarantine) {
  const auto members = list_members(store, cluster);
  if (!members) return pass(members.error());
  std::vector<const MemberRecord*> over;
  for (const MemberRecord& member : *members) {
    const bool is_over = member.removed_at != 0 && now >= member.removed_at + quarantine.count();
    if (is_over) over.push_back(&member);
  }
  if (over.empty()) return 0;
  auto found = find_cluster(store, cluster);
  if (!found) return pass(found.error());
  Transaction transaction;
  for (const MemberRecord* member : over) {
    transaction.remove(kinds::member, key_of(*member)).remove(kinds::address, member->address);
    found->record.pod_cidrs.erase(member->node);
  }
  if (found->version != 0) {
    transaction.expect(kinds::cluster, cluster, found->version)
        .put(kinds::cluster, cluster, to_json(found->record));
  }
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  return over.size();
}

}  // namespace muster
