// What is left of a machine whose cluster, or whose place in it, ended: kind "tombstone", by the
// machine's identity key, so that whoever gets its name later is somebody else. It is signed when
// it is asked for, by the key that signs documents then.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/tombstone.hpp"
#include "enrolment/enrolment_context.hpp"
#include "enrolment/machine.hpp"

namespace muster {

struct TombstoneRecord {
  std::string cluster, node;
  std::int64_t ended_at = 0;  // Unix seconds
  OnDelete on_delete = OnDelete::poweroff;
  bool by_ttl = false;  // its time in its pool is over, and its cluster goes on
};
[[nodiscard]] std::string to_json(const TombstoneRecord& record);
[[nodiscard]] Result<TombstoneRecord> parse_tombstone_record(std::string_view json);

[[nodiscard]] Result<std::optional<TombstoneRecord>> find_tombstone(const Store& store,
                                                                    std::string_view key);
// One for each key that the machine may hold. Returns these keys; the caller adds their lapse.
std::vector<std::string> put_tombstones(const MachineRecord& machine, const TombstoneRecord& record,
                                        Transaction& transaction);
// The machine said that it keeps it, durably: it needs no other. Idempotent.
[[nodiscard]] Result<void> note_tombstone_taken(const EnrolmentContext& context,
                                                const NodeName& node, const std::string& key);

}  // namespace muster
