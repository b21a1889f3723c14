#include "records/pool_member.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/problem.hpp"
#include "document/utf8.hpp"
#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "records/revision.hpp"
#include "records/schedule.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr auto member_fields = [](auto& fields, auto& record) {
  fields.text("cluster", record.cluster);
  fields.text("node", record.node);
  fields.text("pool", record.pool);
  fields.word("role", record.role, parse_role);
  fields.text("address", record.address);
  fields.text("key", record.key);
  fields.number("admittedAt", record.admitted_at);
  fields.number("removedAt", record.removed_at);
  fields.number("endsAt", record.ends_at, Presence::newer);
  fields.number("leftGeneration", record.left_generation, Presence::newer);
};

Result<std::optional<FoundMember>> read_member(const Store& store, const std::string& key) {
  const auto record = store.get(kinds::member, key);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  auto member = parse_member_record(record->value);
  if (!member) return while_doing(member.error(), fmt::format("member '{}'", key));
  return FoundMember{std::move(*member), record->version};
}

std::string key_of(const MemberRecord& record) {
  return kinds::pair_key(record.cluster, record.node);
}

}  // namespace

std::string to_json(const MemberRecord& record) {
  return record_text(record, member_fields);
}

Result<MemberRecord> parse_member_record(std::string_view json) {
  return parse_record<MemberRecord>("member record", json, member_fields);
}

Result<std::optional<FoundMember>> find_member(const Store& store, const std::string& cluster,
                                               const std::string& node) {
  return read_member(store, kinds::pair_key(cluster, node));
}

Result<std::optional<FoundMember>> find_member_at(const Store& store, const std::string& address) {
  const auto holder = store.get(kinds::address, address);
  if (!holder && holder.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!holder) return pass(holder.error());
  // Not as if it were free.
  if (auto sound = check_address_record(holder->value); !sound)
    return while_doing(sound.error(), fmt::format("address '{}'", address));
  return read_member(store, holder->value);
}

Result<void> check_address_record(std::string_view value) {
  if (kinds::parse_pair_key(value)) return {};
  return fail(ErrorKind::corrupt,
              fmt::format("expected CLUSTER/NODE, found {}", in_ticks(cut_text(value, 64))));
}

Result<std::vector<MemberRecord>> list_members(const Store& store, const std::string& cluster) {
  const auto records = all_records(store, kinds::member, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::vector<MemberRecord> members;
  for (const auto& record : *records) {
    auto member = parse_member_record(record.value);
    if (!member) return while_doing(member.error(), fmt::format("member '{}'", record.key));
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
    put_scheduled({record.ends_at, std::string(scheduled::member), key, {}}, transaction);
}

void remove_scheduled_of(const MemberRecord& record, Transaction& transaction) {
  if (record.ends_at != 0)
    remove_scheduled(record.ends_at, scheduled::member, key_of(record), transaction);
}

void put_member(const FoundMember& found, Transaction& transaction) {
  const std::string key = key_of(found.record);
  transaction.expect(kinds::member, key, found.version)
      .put(kinds::member, key, to_json(found.record));
}

Result<void> check_not_of_members(const Store& store, const std::string& cluster,
                                  const std::vector<MachineAddress>& machines,
                                  Transaction& transaction) {
  std::string taken;
  for (const auto& [node, address] : machines) {
    const auto holder = find_member_at(store, address);
    if (!holder) return pass(holder.error());
    if (!*holder) {
      transaction.expect(kinds::address, address, 0);
      continue;
    }
    const MemberRecord& member = (*holder)->record;
    if (member.cluster == cluster && member.node == node) continue;
    taken += fmt::format(
        "\nmachine '{}/{}': expected an address that is free, found {}, which '{}/{}' of pool '{}' {}",
        cluster, node, address, member.cluster, member.node, member.pool,
        member.removed_at == 0 ? "has; give one of them another"
                               : "had until a short time ago; it is free some minutes after");
  }
  if (taken.empty()) return {};
  return fail(ErrorKind::conflict, fmt::format("cluster '{}':{}", cluster, taken));
}

void retire_member(FoundMember found, std::int64_t now, Transaction& transaction) {
  remove_scheduled_of(found.record, transaction);
  found.record.removed_at = now;
  // Looked at from now on, whatever the clock says by then.
  put_scheduled({0, std::string(scheduled::released), found.record.cluster, {}}, transaction);
  put_member(found, transaction);
}

}  // namespace muster
