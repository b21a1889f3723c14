#include "fleet/clock_judgement.hpp"

#include <algorithm>
#include <cstdlib>

namespace muster {

namespace {

struct Lead {
  std::int64_t seconds = 0;  // of the wall clock before what was expected
  std::int64_t drift = 0;    // allowed on top
};

Lead lead_over(const ClockReading& before, const ClockReading& now) {
  const std::int64_t measured = now.since_boot - before.since_boot;
  return {now.wall - (before.wall + measured), measured / 1000};
}

bool agrees(const Lead& lead, std::int64_t ahead) {
  return lead.seconds >= -(clock_agreement + lead.drift) && lead.seconds <= ahead + lead.drift;
}

void count_witnesses(const std::vector<ClockWitness>& witnesses, const ClockReading& now,
                     ClockJudgement& judgement) {
  for (const ClockWitness& witness : witnesses) {
    const bool is_near = std::abs(lead_over(witness, now).seconds) <= clock_agreement;
    ++(is_near ? judgement.agreeing : judgement.differing);
  }
}

}  // namespace

ClockJudgement judge_clock(const ClockHistory& history, const ClockReading& now,
                           const std::vector<ClockWitness>& witnesses) {
  ClockJudgement judgement;
  judgement.history = history;
  if (history.believed) {
    const Lead lead = lead_over(*history.believed, now);
    judgement.lead = lead.seconds;
    if (agrees(lead, clock_agreement)) return judgement;
  }
  if (history.stored) {
    const Lead lead = lead_over(*history.stored, now);
    // Once a reading was believed, what is ahead of it would end what has time left.
    const bool is_set_back = !history.believed || judgement.lead < 0;
    if (!history.believed) judgement.lead = lead.seconds;
    if (is_set_back && agrees(lead, longest_silent_gap)) {
      judgement.history.believed = now;
      return judgement;
    }
  }
  if (history.believed) {
    judgement.doubt = ClockDoubt::step;
    return judgement;
  }
  if (history.stored) {
    count_witnesses(witnesses, now, judgement);
    if (judgement.agreeing < witnesses_needed || judgement.agreeing <= judgement.differing) {
      judgement.doubt = ClockDoubt::gap;
      return judgement;
    }
  }
  // What the store said of the time before is overtaken.
  judgement.history = {std::nullopt, now};
  return judgement;
}

std::optional<OddClock> find_odd_clock(const ClockReading& now,
                                       const std::vector<ClockWitness>& witnesses) {
  std::vector<std::int64_t> leads;
  leads.reserve(witnesses.size());
  for (const ClockWitness& witness : witnesses) leads.push_back(lead_over(witness, now).seconds);
  std::sort(leads.begin(), leads.end());
  // The most that lie so near to one another that none of them would call another wrong.
  std::size_t from = 0, best = 0, most = 0;
  for (std::size_t to = 0; to < leads.size(); ++to) {
    while (leads[to] - leads[from] > clock_tolerance) ++from;
    if (to - from + 1 <= most) continue;
    most = to - from + 1;
    best = from + most / 2;
  }
  if (most < witnesses_needed || most * 2 <= leads.size()) return std::nullopt;
  if (std::abs(leads[best]) <= clock_tolerance) return std::nullopt;
  return OddClock{leads[best], most, leads.size()};
}

}  // namespace muster
