// Machines that are to be drained: kind "drain", key "<cluster>/<node>". The order stands until it
// is taken back or the machine has left, so that every server and every holder of the duties goes
// on where another stopped. It travels in the peer list; how far it is, comes with the holder's
// report.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/peer_list.hpp"
#include "document/report.hpp"
#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct DrainRecord {
  std::string cluster, node;
  bool remove = false;    // once it is drained, the machine is removed
  bool given_up = false;  // it took too long: it takes no pods, and none is sent away any more
  std::int64_t ordered_at = 0, until = 0;  // Unix seconds
  std::uint64_t since = 0;                 // no revision before this one has it
  std::string by;                          // "operator anna"
  std::string undrained;  // to be removed at once: why no pod of it could be sent away
};
[[nodiscard]] std::string to_json(const DrainRecord& record);
[[nodiscard]] Result<DrainRecord> parse_drain_record(std::string_view json);

struct FoundDrain {
  DrainRecord record;
  std::uint64_t version = 0;
};
[[nodiscard]] Result<std::optional<FoundDrain>> find_drain(const Store& store,
                                                           const std::string& cluster,
                                                           const std::string& node);
// Of one cluster, or of all where it is empty. Cost: what is being drained.
[[nodiscard]] Result<std::vector<FoundDrain>> list_drains(const Store& store,
                                                          const std::string& cluster);

struct DrainOrder {
  std::string cluster, node;
  bool remove = false;
  std::chrono::seconds limit = std::chrono::minutes(10);  // 1 minute to 1 day
  std::string by;
  std::string undrained = {};  // of a removal that waits for nothing, why
};
// Adds the order, which renews one that stands, and marks the cluster as due. The commit fails with
// conflict where the machine or its cluster leaves meanwhile. invalid: the limit; not_found: it has
// left.
[[nodiscard]] Result<void> order_drain(const Store& store, const DrainOrder& order, TimePoint now,
                                       Transaction& transaction);
// The same, committed.
[[nodiscard]] Result<void> order_drain(Store& store, const DrainOrder& order, TimePoint now);
// Takes it back, a removal too: the machine takes pods again with the next publication. not_found:
// there is none.
[[nodiscard]] Result<void> end_drain(Store& store, const std::string& cluster,
                                     const std::string& node, TimePoint now, const std::string& by);

// How far it is.
enum class DrainPhase { draining, drained, given_up };
struct DrainProgress {
  DrainPhase phase = DrainPhase::draining;
  std::string message;  // what it waits for
};
// `duties`: the newest of its cluster; nullptr: none yet. Pure.
[[nodiscard]] DrainProgress progress_of(const DrainRecord& record, const DutiesReport* duties);

}  // namespace muster
