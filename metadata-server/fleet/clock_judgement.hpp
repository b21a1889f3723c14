// Whether the wall clock may be believed by what destroys: ends, expiries, quarantines, archives. A
// clock that was set wrong must not end a cluster, and one that is right after a month without a
// server must not be refused for ever. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace muster {

// Both clocks at one moment, in seconds.
struct ClockReading {
  std::int64_t wall = 0;        // CLOCK_REALTIME, since 1970
  std::int64_t since_boot = 0;  // CLOCK_BOOTTIME: nobody sets it
  bool operator==(const ClockReading&) const = default;
};

// What `now` is compared with.
struct ClockHistory {
  // The highest time in the store, with the boot clock as it was at the start: how long no server
  // ran before that, nothing tells.
  std::optional<ClockReading> stored;
  // A reading since the start that was believed: all since then is measured.
  std::optional<ClockReading> believed;
  bool operator==(const ClockHistory&) const = default;
};

// The clock of a machine that reported, and the server's boot clock when it did.
using ClockWitness = ClockReading;

enum class ClockDoubt {
  none,
  gap,  // at the start: too far from the highest time in the store
  step  // since the start: the boot clock measured another span
};

struct ClockJudgement {
  ClockDoubt doubt = ClockDoubt::none;
  // By how many seconds the wall clock is ahead of what was expected; negative: behind.
  std::int64_t lead = 0;
  // Machines' clocks within five minutes of the wall clock, and others.
  std::size_t agreeing = 0, differing = 0;
  // What the next reading is to be compared with.
  ClockHistory history;
};

// How far clocks may differ that agree: what destroys is no finer than that.
inline constexpr std::int64_t clock_agreement = 300;
// How long a server may have been off without anybody having to say so. An hour is the least by
// which a clock in the wrong time zone is wrong.
inline constexpr std::int64_t longest_silent_gap = 1800;
inline constexpr std::size_t witnesses_needed = 3;
// What an agent bears (agent/trust.hpp): beyond it a machine fails by its clock.
inline constexpr std::int64_t clock_tolerance = 30;

// The wall clock is believed
// - where nothing is known from before: a new site;
// - where it agrees with the last believed reading since the start and the time that the boot clock
//   measured since;
// - where it is at most longest_silent_gap after the highest time in the store;
// - after a longer gap, where at least witnesses_needed machines agree with it, and more than do
//   not. Against the boot clock they count for nothing: one bad time server may lead all of them.
// Drift: one second in a thousand is allowed on top.
[[nodiscard]] ClockJudgement judge_clock(const ClockHistory& history, const ClockReading& now,
                                         const std::vector<ClockWitness>& witnesses);

// The server's clock against those of the machines that report: where at least witnesses_needed of
// them, and more than half, agree with one another and not with it, it is the odd one.
struct OddClock {
  std::int64_t lead = 0;                // seconds, of the server's before theirs; negative: behind
  std::size_t agreeing = 0, heard = 0;  // machines
};
[[nodiscard]] std::optional<OddClock> find_odd_clock(const ClockReading& now,
                                                     const std::vector<ClockWitness>& witnesses);

}  // namespace muster
