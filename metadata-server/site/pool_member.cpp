#include "site/pool_member.hpp"

#include <fmt/format.h>

#include <algorithm>

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
  if (!member) return while_doing(member.error(), fmt::format("member '{}'", key));
  return FoundMember{std::move(*member), record->version};
}

std::string key_of(const MemberRecord& record) {
  return kinds::pair_key(record.cluster, record.node);
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
                         {"endsAt", record.ends_at},
                         {"leftGeneration", record.left_generation}});
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
  root.number("leftGeneration", record.left_generation, Need::optional);
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
    put_agenda({record.ends_at, std::string(agenda::member), key, {}}, transaction);
}

void remove_agenda_of(const MemberRecord& record, Transaction& transaction) {
  if (record.ends_at != 0)
    remove_agenda(record.ends_at, agenda::member, key_of(record), transaction);
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
  remove_agenda_of(found.record, transaction);
  found.record.removed_at = now;
  put_agenda({now, std::string(agenda::released), found.record.cluster, {}}, transaction);
  put_member(found, transaction);
}

namespace {

// Which peer list is the first without it is found out by looking, whoever published that.
Result<void> note_departure(Store& store, const MemberRecord& member, std::uint64_t generation) {
  auto found = find_member(store, member.cluster, member.node);
  if (!found) return pass(found.error());
  if (!*found || (*found)->record.removed_at == 0) return {};
  (*found)->record.left_generation = generation;
  Transaction transaction;
  put_member(**found, transaction);
  return store.commit(transaction);
}

// Its name may be a listed machine's by now.
bool is_served_still(const MemberRecord& member, const NodeObjects& nodes) {
  if (!nodes.served) return false;
  const auto found = nodes.served->documents.find(member.node);
  if (found == nodes.served->documents.end()) return false;
  const auto document = read_document(*found->second);
  return !document || !document->role.pool.empty();
}

}  // namespace

bool is_node_gone(const MemberRecord& member, const NodeObjects& nodes) {
  if (!nodes.may_be_any) return true;
  if (member.left_generation == 0 || !nodes.duties) return false;
  const auto& leaving = nodes.duties->leaving;
  return nodes.duties->peers_generation >= member.left_generation &&
         std::find(leaving.begin(), leaving.end(), member.node) == leaving.end();
}

Result<RetiredMembers> release_retired_members(Store& store, const std::string& cluster,
                                               std::int64_t now, std::chrono::seconds quarantine,
                                               const NodeObjects& nodes) {
  RetiredMembers retired;
  const auto members = list_members(store, cluster);
  if (!members) return pass(members.error());
  std::vector<const MemberRecord*> over;
  for (const MemberRecord& member : *members) {
    if (member.removed_at == 0) continue;
    const bool is_served = is_served_still(member, nodes);
    retired.is_served = retired.is_served || is_served;
    if (member.left_generation == 0 && nodes.served && nodes.served->peers && !is_served) {
      auto noted = note_departure(store, member, nodes.served->peers->generation);
      if (!noted) return pass(noted.error());
    }
    const bool is_over = now >= member.removed_at + quarantine.count();
    if (is_over && !is_served && is_node_gone(member, nodes)) {
      over.push_back(&member);
    } else {
      ++retired.waiting;
    }
  }
  if (over.empty()) return retired;
  auto found = find_cluster(store, cluster);
  if (!found) return pass(found.error());
  Transaction transaction;
  for (const MemberRecord* member : over) {
    transaction.remove(kinds::member, key_of(*member)).remove(kinds::address, member->address);
    if (!nodes.served || !nodes.served->documents.contains(member->node))
      found->record.pod_cidrs.erase(member->node);
  }
  if (found->version != 0) {
    transaction.expect(kinds::cluster, cluster, found->version)
        .put(kinds::cluster, cluster, to_json(found->record));
  }
  if (auto committed = store.commit(transaction); !committed) return pass(committed.error());
  retired.released = over.size();
  return retired;
}

}  // namespace muster
