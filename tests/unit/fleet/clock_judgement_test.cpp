#include "fleet/clock_judgement.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace muster;

namespace {

constexpr std::int64_t minute = 60, hour = 3600, day = 24 * hour;
constexpr std::int64_t then = 1'796'000'000;  // what the store, or the last reading, says

// One reading `elapsed` after the one before it by the boot clock, `off` seconds from that.
struct Case {
  std::string name;
  bool is_running;  // else it starts
  std::int64_t elapsed, off;
  std::vector<std::int64_t> machines;  // their clocks, seconds from the server's
  ClockDoubt doubt;
};

const std::vector<Case> cases{
    {"started after a reboot of ten minutes", false, 0, 10 * minute, {}, ClockDoubt::none},
    {"started half an hour later", false, 0, 30 * minute, {}, ClockDoubt::none},
    {"started an hour later: the wrong time zone, or off for an hour",
     false,
     0,
     hour,
     {},
     ClockDoubt::gap},
    {"started a day ahead", false, 0, day, {}, ClockDoubt::gap},
    {"started 31 days ahead", false, 0, 31 * day, {}, ClockDoubt::gap},
    {"started a day behind", false, 0, -day, {}, ClockDoubt::gap},
    {"started 31 days behind", false, 0, -31 * day, {}, ClockDoubt::gap},
    {"started four minutes behind", false, 0, -4 * minute, {}, ClockDoubt::none},
    {"a weekend off, and three machines agree", false, 0, 2 * day, {0, 10, -200}, ClockDoubt::none},
    {"a weekend off, and two machines agree", false, 0, 2 * day, {0, 10}, ClockDoubt::gap},
    {"31 days ahead, and all machines say so",
     false,
     0,
     31 * day,
     {-31 * day, -31 * day, -31 * day},
     ClockDoubt::gap},
    {"31 days behind, and three machines agree", false, 0, -31 * day, {1, 2, 3}, ClockDoubt::none},
    {"three agree, three do not",
     false,
     0,
     31 * day,
     {0, 0, 0, -31 * day, -31 * day, -31 * day},
     ClockDoubt::gap},
    {"four agree, three do not",
     false,
     0,
     31 * day,
     {0, 0, 0, 0, -31 * day, -31 * day, -31 * day},
     ClockDoubt::none},
    {"machines six minutes off agree with nobody",
     false,
     0,
     31 * day,
     {360, 360, 360},
     ClockDoubt::gap},
    {"started ahead, put right within an hour", false, hour, 0, {}, ClockDoubt::none},
    {"running: four minutes", true, hour, 4 * minute, {}, ClockDoubt::none},
    {"running: six minutes", true, hour, 6 * minute, {}, ClockDoubt::step},
    {"running: a day ahead", true, hour, day, {}, ClockDoubt::step},
    {"running: a day behind", true, hour, -day, {}, ClockDoubt::step},
    {"running: 31 days ahead", true, hour, 31 * day, {}, ClockDoubt::step},
    {"running: 31 days behind", true, hour, -31 * day, {}, ClockDoubt::step},
    {"running: machines do not outvote the boot clock",
     true,
     hour,
     31 * day,
     {0, 0, 0, 0, 0},
     ClockDoubt::step},
    {"running for a month: 40 minutes of drift", true, 31 * day, 40 * minute, {}, ClockDoubt::none},
    {"running for a month: two hours", true, 31 * day, 2 * hour, {}, ClockDoubt::step},
};

}  // namespace

TEST_CASE("a wall clock is believed where it agrees with what is known") {
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const ClockReading before{then, 5000};
    const ClockReading now{then + one.elapsed + one.off, 5000 + one.elapsed};
    std::vector<ClockWitness> witnesses;
    for (const std::int64_t off : one.machines)
      witnesses.push_back({now.wall + off, now.since_boot});
    const ClockHistory history =
        one.is_running ? ClockHistory{std::nullopt, before} : ClockHistory{before, std::nullopt};
    const ClockJudgement judgement = judge_clock(history, now, witnesses);
    CHECK(judgement.doubt == one.doubt);
    if (one.doubt != ClockDoubt::none) {
      CHECK(judgement.history == history);
      CHECK(judgement.lead == one.off);
    }
  }
}

TEST_CASE("a new site has nothing to compare with") {
  const ClockJudgement first = judge_clock({}, {then, 5000}, {});
  CHECK(first.doubt == ClockDoubt::none);
  CHECK(first.history == ClockHistory{std::nullopt, ClockReading{then, 5000}});
}

TEST_CASE(
    "a machine's word ages with the boot clock: one that was said before a step is none for it") {
  const ClockHistory history{ClockReading{then, 5000}, std::nullopt};
  const std::vector<ClockWitness> said{{then + day, 5000}, {then + day, 5000}, {then + day, 5000}};
  CHECK(judge_clock(history, {then + day + 600, 5600}, said).doubt == ClockDoubt::none);
  CHECK(judge_clock(history, {then + 31 * day, 5600}, said).doubt == ClockDoubt::gap);
}

TEST_CASE("after a start the store's window holds, until machines overrule the store") {
  const ClockReading stored{then, 5000};
  const ClockJudgement start = judge_clock({stored, std::nullopt}, {then + 1500, 5000}, {});
  REQUIRE(start.doubt == ClockDoubt::none);
  // The time server puts right what the hardware clock said: as plausible as it was at the start.
  const ClockJudgement corrected = judge_clock(start.history, {then + 60, 5060}, {});
  CHECK(corrected.doubt == ClockDoubt::none);
  CHECK(corrected.history.believed == ClockReading{then + 60, 5060});
  // Ahead of what was believed nothing is plausible.
  CHECK(judge_clock(corrected.history, {then + 1500, 5060}, {}).doubt == ClockDoubt::step);
  CHECK(judge_clock(start.history, {then + 1500 + 301, 5000}, {}).doubt == ClockDoubt::step);
  // A month off, which machines confirm: from then on the time before it is no way back.
  const ClockReading later{then + 31 * day, 5000};
  const ClockJudgement voted = judge_clock({stored, std::nullopt}, later, {later, later, later});
  REQUIRE(voted.doubt == ClockDoubt::none);
  CHECK(voted.history == ClockHistory{std::nullopt, later});
  CHECK(judge_clock(voted.history, {then + 60, 5060}, {}).doubt == ClockDoubt::step);
}
