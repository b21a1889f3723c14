#include "agent/daemon.hpp"

#include <utility>

#include "agent/duties/duties.hpp"
#include "agent/etcd/etcd_care.hpp"
#include "agent/etcd/etcd_departure.hpp"
#include "agent/host/notify.hpp"
#include "agent/host/observe.hpp"
#include "agent/kept_status.hpp"
#include "agent/obey.hpp"
#include "agent/own_state.hpp"
#include "agent/paths.hpp"
#include "agent/reconcile.hpp"
#include "agent/run_lock.hpp"
#include "agent/session/tombstone.hpp"
#include "agent/tell_once.hpp"

namespace muster {
namespace {

// What the next report tells of them.
struct KeptDuties {
  std::optional<std::string> lease_holder;  // nothing: not a control plane
  std::optional<DutiesReport> report;
  bool is_awaited = false, failed = false;
  EtcdCare etcd;                      // of the last look
  std::vector<HealthProblem> unwell;  // of the cluster, etcd's included
};

// The server, or an operator before his terminal, waits for what comes of it.
constexpr std::chrono::seconds awaited_poll{3};

// Until settings or the state folder are looked at again.
constexpr std::chrono::seconds settings_pause{10};

EtcdCare keep_etcd(Host& host, const Outcome& outcome, EtcdCarer carer,
                   const std::set<std::string>& suspects, const Narrate& narrate) {
  const bool is_current = !outcome.fetched.offline && outcome.fetched.refused.empty();
  EtcdCare care =
      care_for_etcd(host.process, outcome.fetched.document, is_current, carer, suspects);
  for (const auto& line : care.done) narrate("etcd: " + line);
  return care;
}

KeptDuties keep_duties(Host& host, const Outcome& outcome, const KeptDuties& last,
                       const Narrate& narrate) {
  const auto& document = outcome.fetched.document;
  // Whatever became of the newest document here: the cluster goes on.
  KeptDuties kept;
  if (!is_control_plane(document.role.role)) return kept;
  kept.lease_holder.emplace();
  if (!outcome.is_up || outcome.fetched.digest.empty()) return kept;
  const auto done = perform_duties(
      document, outcome.fetched.peers, host,
      [&](const std::vector<std::string>& machines) {
        return remove_departed_members(host.process, document, machines);
      },
      outcome.answer.poll_after);
  if (!done) {
    narrate("duties: " + done.error().message);
    kept.failed = true;
    kept.etcd = keep_etcd(host, outcome, EtcdCarer::leader, last.etcd.suspects, narrate);
    kept.unwell = kept.etcd.unwell;
    // Once may be an API server that restarts.
    if (last.failed) kept.unwell.push_back({"duties", done.error().message, 0});
    return kept;
  }
  for (const auto& line : done->done) narrate("duties: " + line);
  for (const auto& line : done->failed) narrate("duties failed: " + line);
  kept.report = done->report;
  kept.lease_holder = done->lease_holder;
  kept.is_awaited = done->is_awaited;
  kept.unwell = done->unwell;
  if (!done->holder) return kept;
  kept.etcd = keep_etcd(host, outcome, EtcdCarer::holder, last.etcd.suspects, narrate);
  kept.unwell.insert(kept.unwell.end(), kept.etcd.unwell.begin(), kept.etcd.unwell.end());
  return kept;
}

// The duties' time is part of the pause: an addon that never rolls out delays no ban and no end.
void sleep_until_poll(std::chrono::nanoseconds asked_at, std::chrono::seconds poll_after,
                      bool is_awaited, Host& host) {
  const auto pause = is_awaited ? std::min(awaited_poll, poll_after) : poll_after;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(asked_at + pause -
                                                                          host.clock.since_boot());
  host.clock.sleep(std::max<std::chrono::milliseconds>(left, std::chrono::seconds(1)));
}

// For ever: the machine goes down, or a person resets it.
[[noreturn]] void stay_ended(const Tombstone& tombstone, bool is_news, Host& host,
                             const Narrate& narrate) {
  notify_ready();
  for (;;) {
    const auto done = obey(tombstone, is_news, host, narrate);
    if (!done) narrate(done.error().message);
    // What was taken needs time; what was done needs nothing more.
    do host.clock.sleep(std::chrono::minutes(5));
    while (done && tombstone.on_delete != OnDelete::poweroff);
  }
}

// What the service waits for, without end: whoever started it is told so at once, the status line
// always, the journal when it is another thing.
class Waits {
 public:
  explicit Waits(const Narrate& narrate) : narrate_(narrate) {}
  void on(const std::string& what_for) {
    notify_ready();
    if (std::exchange(told_, what_for) == what_for) {
      notify_status(what_for);
    } else {
      narrate_(what_for);
    }
  }
  void is_over() { told_.clear(); }

 private:
  const Narrate& narrate_;
  std::string told_;
};

// Unix seconds.
std::int64_t locked_out_since(Memory& memory, const Host& host) {
  if (memory.locked_out_since == 0)
    memory.locked_out_since = std::chrono::system_clock::to_time_t(host.clock.now());
  return memory.locked_out_since;
}

// Another run does not end. What needs no lock goes on: the server hears of it, and an order that
// it gives is remembered.
bool report_locked_out(Host& host, Network& network, const Settings& settings, Memory& memory,
                       const std::string& why) {
  const std::int64_t since = locked_out_since(memory, host);
  const auto answer = tell_once(host, network, settings, memory, [&](Report& last) {
    last.unwell.insert(last.unwell.begin(), {"agent", why, since});
  });
  return answer && answer->converge;
}

void tell_settings(const Settings& settings, Memory& memory) {
  if (!settings.damaged.empty()) memory.own_unwell.push_back({"settings", settings.damaged, 0});
}

}  // namespace

void run_daemon(Host& host, Network& network, const Narrate& narrate) {
  bool ordered = false;
  Memory memory;
  KeptDuties duties;
  Outcome outcome;
  Waits waits(narrate);
  for (;;) {
    const auto kept = kept_tombstone(host.files);
    if (kept && *kept) stay_ended(**kept, false, host, narrate);
    const auto settings = load_settings(host, network, narrate);
    if (!settings) {
      waits.on(fmt::format("waits for settings, and looks again every {} s; correct {}: {}",
                           settings_pause.count(), paths::settings, settings.error().message));
      host.clock.sleep(settings_pause);
      continue;
    }
    auto lock = take_run_lock(host, service_patience, narrate);
    if (!lock) {
      waits.on(lock.error().message);
      ordered =
          report_locked_out(host, network, *settings, memory, lock.error().message) || ordered;
      duties = keep_duties(host, outcome, duties, narrate);
      if (lock.error().kind != ErrorKind::timeout) host.clock.sleep(settings_pause);
      continue;
    }
    waits.is_over();
    memory.locked_out_since = 0;
    Checkpoint checkpoint = open_state(host, memory, narrate);
    tell_settings(*settings, memory);
    Reporter reporter(host, checkpoint, memory, narrate);
    reporter.report().duties = duties.report;
    reporter.report().lease_holder = duties.lease_holder;
    Run run{host,  network, *settings, checkpoint, reporter, Deadline(host.clock, boot_deadline),
            false, ordered, memory};
    run.is_service = true;
    auto came_to = reconcile(run);
    // A run that came to no document leaves the cluster's duties with the last one.
    if (came_to.fetched.digest.empty()) came_to.fetched = std::move(outcome.fetched);
    outcome = std::move(came_to);
    if (outcome.ended) {
      lock->close();
      stay_ended(*outcome.ended, true, host, narrate);
    }
    notify_ready();
    ordered = outcome.answer.converge && !ordered;
    lock->close();
    const auto asked_at = host.clock.since_boot();
    duties = keep_duties(host, outcome, duties, narrate);
    memory.cluster_unwell = duties.unwell;
    if (!ordered) sleep_until_poll(asked_at, outcome.answer.poll_after, duties.is_awaited, host);
  }
}

}  // namespace muster
