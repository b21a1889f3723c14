// Machines of NodePools as the store keeps them: kind "member", key "<cluster>/<node>", and who has
// an address, kind "address". A name, an address and a pod network are held from the admission
// until some time after the removal: whoever still has the old machine in mind must not meet a new
// one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "store/store.hpp"

namespace muster {

struct MemberRecord {
  std::string cluster, node, pool;
  Role role = Role::node;
  std::string address;
  std::string key;               // fingerprint of the public key that it asked with
  std::int64_t admitted_at = 0;  // Unix seconds
  std::int64_t removed_at = 0;   // 0: it is there; else its name, address and network wait
  std::int64_t ends_at = 0;      // of its time to live; 0: as long as its cluster
  // Of the first peer list that was seen without it, once it was removed; 0: none yet.
  std::uint64_t left_generation = 0;
};
[[nodiscard]] std::string to_json(const MemberRecord& record);
[[nodiscard]] Result<MemberRecord> parse_member_record(std::string_view json);

struct FoundMember {
  MemberRecord record;
  std::uint64_t version = 0;
};
[[nodiscard]] Result<std::optional<FoundMember>> find_member(const Store& store,
                                                             const std::string& cluster,
                                                             const std::string& node);
// corrupt: the row of an address names no machine.
[[nodiscard]] Result<void> check_address_record(std::string_view value);
// Whoever holds the address, in any cluster; removed ones too.
[[nodiscard]] Result<std::optional<FoundMember>> find_member_at(const Store& store,
                                                                const std::string& address);
// Of one cluster, in name order, removed ones too.
[[nodiscard]] Result<std::vector<MemberRecord>> list_members(const Store& store,
                                                             const std::string& cluster);

// Takes name and address; the commit fails with conflict where either is taken meanwhile.
void add_member(const MemberRecord& record, Transaction& transaction);
void put_member(const FoundMember& found, Transaction& transaction);
// conflict, with a line per machine, where another machine of a pool, in any cluster, has one of
// the addresses; the commit fails where one takes it meanwhile.
[[nodiscard]] Result<void> check_not_of_members(const Store& store, const std::string& cluster,
                                                const std::vector<MachineAddress>& machines,
                                                Transaction& transaction);
// The rows that the schedule has for it go.
void remove_scheduled_of(const MemberRecord& record, Transaction& transaction);
// Marks it as gone. The next publication leaves it out.
void retire_member(FoundMember found, std::int64_t now, Transaction& transaction);

}  // namespace muster
