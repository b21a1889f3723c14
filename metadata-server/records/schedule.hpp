// What the server is to do at a time: kind "schedule", by time. One read of the first rows says
// that nothing is due, however much there is to come. Whoever is due removes its row in the
// transaction that does it, so that a server that was killed does it once more or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace muster {

struct ScheduleRow {
  std::int64_t at = 0;  // Unix seconds
  std::string what;     // "cluster", "member", ...: the words below
  std::string name;     // of what it is about: "ci-42", "lab/ci-1"
  std::string value;    // what else its doer needs to know
};

namespace scheduled {
inline constexpr std::string_view cluster = "cluster";    // on demand: it warns, or ends
inline constexpr std::string_view member = "member";      // its time to live is over
inline constexpr std::string_view released = "released";  // a cluster's removed members may be free
inline constexpr std::string_view lapse = "lapse";        // of the records that `value` names
inline constexpr std::string_view sweep = "sweep";  // a cluster's: what raced its end; at 0, always
}  // namespace scheduled

void put_scheduled(const ScheduleRow& row, Transaction& transaction);
// No row, no change.
void remove_scheduled(std::int64_t at, std::string_view what, std::string_view name,
                      Transaction& transaction);
// Records that nobody can ask for any more after `at`: (kind, key).
void put_lapse(std::int64_t at,
               const std::vector<std::pair<std::string_view, std::string>>& records,
               Transaction& transaction);
// Removes what such a row names, and the row.
[[nodiscard]] Result<void> let_lapse(Store& store, const ScheduleRow& row);

// Whether its key says when, what and of whom.
[[nodiscard]] Result<void> check_schedule_record(const Record& record);
[[nodiscard]] Result<bool> is_scheduled(const Store& store, const ScheduleRow& row);
// When the first row of that is due; 0: there is none. Cost: the whole schedule.
[[nodiscard]] Result<std::int64_t> scheduled_at(const Store& store, std::string_view what,
                                                std::string_view name);
// For a new cluster: what raced the end of the last one of its name must not be of this one.
// unavailable: that is being swept, within seconds.
[[nodiscard]] Result<void> expect_swept(const Store& store, const std::string& cluster,
                                        Transaction& transaction);

// What is due, earliest first, at most `limit` rows.
[[nodiscard]] Result<std::vector<ScheduleRow>> list_due(const Store& store, std::int64_t now,
                                                        std::size_t limit);

}  // namespace muster
