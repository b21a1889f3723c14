// The time by which the server destroys: the wall clock, while it can be believed
// (clock_judgement). Whatever ends, expires or is thrown away by age asks believed_now(), and waits
// where there is no answer. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "fleet/clock_judgement.hpp"
#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct ClockSources {
  std::function<TimePoint()> wall;
  std::function<std::int64_t()> since_boot;  // seconds
};
// CLOCK_REALTIME and CLOCK_BOOTTIME.
[[nodiscard]] ClockSources clocks_of_this_machine();

struct ClockStatus {
  bool is_believed = true;
  std::int64_t time = 0;                    // the wall clock, Unix seconds
  std::int64_t lead = 0;                    // seconds, before what was expected; negative: behind
  std::size_t agreeing = 0, differing = 0;  // machines, where they count
  // Empty: it is believed, and those of most machines agree with it.
  std::string message, cure;
};

// {"believed", "time", "lead", "agreeing", "differing", "message", "cure"}: status and `muster
// clock`.
[[nodiscard]] nlohmann::json to_value(const ClockStatus& status);

class SiteClock {
 public:
  explicit SiteClock(ClockSources sources);

  // At the start, before anything is asked: the highest time in the store. A store of before 0.3
  // has none; `newest` (Unix seconds, 0: nothing) then stands for it.
  [[nodiscard]] Result<void> load(const Store& store, std::int64_t newest);
  // The wall clock's time; nothing while it is in doubt.
  [[nodiscard]] std::optional<TimePoint> believed_now() const;
  // The earliest that it can be, in doubt too: for what lapses where nobody can wait.
  [[nodiscard]] TimePoint earliest_now() const;
  // The latest that it can be, in doubt too: what deadlines are counted from, so that nothing ends
  // before its time whichever way the doubt is settled.
  [[nodiscard]] TimePoint latest_now() const;
  [[nodiscard]] ClockStatus status() const;
  // Seconds; for what is to be done again after a while.
  [[nodiscard]] std::int64_t since_boot() const { return sources_.since_boot(); }
  // A report of this identity said that its machine's clock is `sent_at`; 0: it said nothing.
  void hear(const std::string& identity, std::int64_t sent_at);
  // About once a second: says in the log when the judgement changes, and writes down the time, each
  // five minutes, while it is believed.
  [[nodiscard]] Result<void> keep(Store& store);
  // An operator says that it is right; `time`, Unix seconds, is what his own clock says. conflict
  // where that is more than five minutes off. Audited where it was in doubt; else a no-op.
  [[nodiscard]] Result<ClockStatus> confirm(Store& store, std::int64_t time, const std::string& by);

 private:
  [[nodiscard]] ClockReading read() const;
  // By how many seconds the wall clock is ahead while it is in doubt; 0: it is believed.
  [[nodiscard]] std::chrono::seconds doubtful_lead(TimePoint wall) const;
  [[nodiscard]] ClockJudgement judge(const ClockReading& now) const;
  [[nodiscard]] ClockStatus status_of(const ClockReading& now) const;
  [[nodiscard]] std::vector<ClockWitness> witnesses() const;

  const ClockSources sources_;
  mutable std::mutex mutex_;
  mutable ClockHistory history_;
  std::map<std::string, ClockWitness> witnesses_;  // by identity; while in doubt, since the start
  std::optional<std::int64_t> written_at_;         // since boot
  bool was_believed_ = true;
  bool was_odd_ = false;
};

}  // namespace muster
