#include "fleet/site_clock.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>

#include "document/time_text.hpp"
#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/clock_record.hpp"

namespace muster {

namespace {

constexpr std::int64_t write_interval = 300;  // seconds
// A machine that was not heard of for so long says nothing of its clock any more.
constexpr std::int64_t longest_word = 900;  // seconds

std::string text_of(std::int64_t lead) {
  return fmt::format("{} {}", duration_text(std::chrono::seconds(std::abs(lead))),
                     lead < 0 ? "behind" : "ahead of");
}

void explain(const ClockJudgement& judgement, ClockStatus& status) {
  const std::string lead = text_of(judgement.lead);
  if (judgement.doubt == ClockDoubt::step) {
    status.message = fmt::format(
        "the clock was set while the server ran: it is {} the time that has passed since; nothing ends or expires until it is believed",
        lead);
    status.cure =
        "put the clock right, or, if it is right now, run `muster clock confirm`; what machines say does not count here";
    return;
  }
  status.message = fmt::format(
      "the clock is {} the last time that is known to this site; nothing ends or expires until it is believed",
      lead);
  status.cure = fmt::format(
      "machines that report will settle it: {} must agree with it, and more than do not; {} so far, {} not; or look at the clock and run `muster clock confirm`",
      witnesses_needed, judgement.agreeing, judgement.differing);
}

// Each of these machines says of itself that its clock is wrong; this is what is wrong.
void explain(const OddClock& odd, ClockStatus& status) {
  if (!status.message.empty()) status.message += "; ";
  status.message += fmt::format(
      "this server's clock is the odd one: it is {} those of {} of the {} machines that report, which agree with one another",
      text_of(odd.lead), odd.agreeing, odd.heard);
  status.cure =
      "put this server's clock right (`timedatectl set-ntp true`), then run `muster clock confirm`; if it is right, the time source of those machines is wrong";
}

}  // namespace

ClockSources clocks_of_this_machine() {
  return {[] { return std::chrono::system_clock::now(); },
          [] {
            struct timespec time {};
            clock_gettime(CLOCK_BOOTTIME, &time);
            return static_cast<std::int64_t>(time.tv_sec);
          }};
}

nlohmann::json to_value(const ClockStatus& status) {
  return {{"believed", status.is_believed},
          {"time", status.time},
          {"lead", status.lead},
          {"agreeing", status.agreeing},
          {"differing", status.differing},
          {"message", status.message},
          {"cure", status.cure}};
}

SiteClock::SiteClock(ClockSources sources) : sources_(std::move(sources)) {}

Result<void> SiteClock::load(const Store& store, std::int64_t newest) {
  const auto highest = find_highest_time(store);
  if (!highest) return pass(highest.error());
  const ClockReading now = read();
  const std::lock_guard lock(mutex_);
  history_ = {};
  const std::int64_t known = highest->value_or(newest);
  if (known != 0) history_.stored = ClockReading{known, now.since_boot};
  return {};
}

ClockReading SiteClock::read() const {
  return {unix_seconds(sources_.wall()), sources_.since_boot()};
}

// With the mutex held.
std::vector<ClockWitness> SiteClock::witnesses() const {
  std::vector<ClockWitness> witnesses;
  witnesses.reserve(witnesses_.size());
  for (const auto& [identity, witness] : witnesses_) witnesses.push_back(witness);
  return witnesses;
}

// With the mutex held.
ClockJudgement SiteClock::judge(const ClockReading& now) const {
  // Once it was believed, nothing goes by their word.
  ClockJudgement judgement =
      judge_clock(history_, now, history_.believed ? std::vector<ClockWitness>() : witnesses());
  history_ = judgement.history;
  return judgement;
}

std::optional<TimePoint> SiteClock::believed_now() const {
  const TimePoint wall = sources_.wall();
  const ClockReading now{unix_seconds(wall), sources_.since_boot()};
  const std::lock_guard lock(mutex_);
  if (judge(now).doubt != ClockDoubt::none) return std::nullopt;
  return wall;
}

std::chrono::seconds SiteClock::doubtful_lead(TimePoint wall) const {
  const ClockReading now{unix_seconds(wall), sources_.since_boot()};
  const std::lock_guard lock(mutex_);
  const ClockJudgement judgement = judge(now);
  return std::chrono::seconds(judgement.doubt == ClockDoubt::none ? 0 : judgement.lead);
}

TimePoint SiteClock::earliest_now() const {
  const TimePoint wall = sources_.wall();
  return wall - std::max(doubtful_lead(wall), std::chrono::seconds(0));
}

TimePoint SiteClock::latest_now() const {
  const TimePoint wall = sources_.wall();
  return wall - std::min(doubtful_lead(wall), std::chrono::seconds(0));
}

ClockStatus SiteClock::status_of(const ClockReading& now) const {
  const ClockJudgement judgement = judge(now);
  ClockStatus status{judgement.doubt == ClockDoubt::none,
                     now.wall,
                     judgement.lead,
                     judgement.agreeing,
                     judgement.differing,
                     {},
                     {}};
  if (!status.is_believed) explain(judgement, status);
  if (const auto odd = find_odd_clock(now, witnesses())) explain(*odd, status);
  return status;
}

ClockStatus SiteClock::status() const {
  const ClockReading now = read();
  const std::lock_guard lock(mutex_);
  return status_of(now);
}

void SiteClock::hear(const std::string& identity, std::int64_t sent_at) {
  // What no clock says is no clock's word.
  constexpr std::int64_t end_of_year_9999 = 253402300799;
  if (sent_at <= 0 || sent_at > end_of_year_9999) return;
  const ClockReading told{sent_at, sources_.since_boot()};
  const std::lock_guard lock(mutex_);
  witnesses_[identity] = told;
}

Result<void> SiteClock::keep(Store& store) {
  const ClockReading now = read();
  {
    const std::lock_guard lock(mutex_);
    const ClockStatus status = status_of(now);
    if (status.is_believed)
      std::erase_if(witnesses_, [&](const auto& witness) {
        return now.since_boot - witness.second.since_boot > longest_word;
      });
    if (const bool is_odd = status.is_believed && !status.message.empty(); is_odd != was_odd_) {
      was_odd_ = is_odd;
      if (is_odd) spdlog::warn("{}; {}", status.message, status.cure);
    }
    if (status.is_believed != was_believed_) {
      was_believed_ = status.is_believed;
      if (status.is_believed) spdlog::info("the clock is believed again");
      if (!status.is_believed) spdlog::warn("{}; {}", status.message, status.cure);
    }
    if (!status.is_believed) return {};
    if (written_at_ && now.since_boot - *written_at_ < write_interval) return {};
  }
  Transaction transaction;
  put_highest_time(now.wall, transaction);
  if (auto written = commit(store, transaction); !written) return written;
  const std::lock_guard lock(mutex_);
  written_at_ = now.since_boot;
  return {};
}

Result<ClockStatus> SiteClock::confirm(Store& store, std::int64_t time, const std::string& by) {
  const ClockReading now = read();
  if (now.wall < time - clock_agreement || now.wall > time + clock_agreement) {
    return fail(
        ErrorKind::conflict, "clock_differs",
        fmt::format(
            "clock: expected this server's within {} s of yours, found {} here and {} there; put the wrong one right, then confirm",
            clock_agreement, utc_text(now.wall), utc_text(time)));
  }
  ClockStatus before;
  {
    const std::lock_guard lock(mutex_);
    before = status_of(now);
  }
  if (before.is_believed) return before;
  Transaction transaction;
  put_highest_time(now.wall, transaction);
  append_audit(transaction, sources_.wall(), by, "clock-confirmed", "clock",
               fmt::format("{}, {} s from what was expected", utc_text(now.wall), before.lead));
  if (auto committed = commit(store, transaction); !committed) return pass(committed.error());
  const std::lock_guard lock(mutex_);
  history_ = {std::nullopt, now};
  witnesses_.clear();
  written_at_ = now.since_boot;
  return status_of(now);
}

}  // namespace muster
