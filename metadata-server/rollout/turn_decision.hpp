// Which master of a cluster may disturb itself now: at most one, and only while the others are a
// quorum. Pure: state, reports, now -> grants. Rollouts will decide in its place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "document/report.hpp"
#include "rollout/turn_record.hpp"

namespace muster {

// Seconds without a word after which a master does not count as up. Masters ask twice a
// minute, and one that lost its power is called Ready for 50 s.
inline constexpr std::int64_t unheard_after = 60;

struct MasterState {
  std::string node;
  bool is_member = false;        // of etcd, as it last said
  std::uint64_t generation = 0;  // of the document that it is served
  std::optional<Report> report;  // its last one
  // Seconds since that report, by a clock that nobody sets; nothing: it came before this server's
  // start.
  std::optional<std::int64_t> silence;
  bool is_frozen = false;  // of two machines with its identity nobody knows which reports
  bool is_banned = false;  // it may not even ask
};

struct TurnDecision {
  TurnRecord record;
  std::map<std::string, std::string> waits_for;  // node -> what its turn waits for
  std::string held_up;  // what is wrong with who has the turn; empty: nothing
};

// Ends the grant of a master that settled, or is none any more; one that was banned or frozen waits
// again. Gives the next one to a master that reports: one that does not would keep it from the
// others for good. `masters`:
// those that the inventory lists. `now`, Unix seconds, is what a grant is stamped with. Idempotent:
// deciding again without news gives the same.
[[nodiscard]] TurnDecision decide_turns(TurnRecord record, const std::vector<MasterState>& masters,
                                        std::int64_t now);

// Whether the answer to this report of the machine that holds the grant says so: at first, and
// again while nothing shows that it heard. One that tried and failed is not told again and again:
// the operator orders it anew, or cancels.
[[nodiscard]] bool must_be_told(const TurnGrant& grant, const Report& report);

}  // namespace muster
