// Whose turn it is among a cluster's masters, and who waits for it (store kind "turn").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct TurnOrder {
  std::string node, by;         // by: as the audit names an actor
  std::int64_t ordered_at = 0;  // Unix seconds
};

// Stored before the machine hears of it; ended by what it reports, or by an operator, never by
// time.
struct TurnGrant {
  TurnOrder order;
  std::int64_t granted_at = 0;
  std::uint64_t generation = 0;  // of the document that it was served then
  std::string boot_id;           // of its last report before
  std::uint64_t counter = 0;
  bool is_told = false;
};

struct TurnRecord {
  std::optional<TurnGrant> grant;
  std::vector<TurnOrder> waiting;  // first come, first served
};

[[nodiscard]] std::string to_json(const TurnRecord& record);
[[nodiscard]] Result<TurnRecord> parse_turn_record(std::string_view json);

}  // namespace muster
