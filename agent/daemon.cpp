#include "agent/daemon.hpp"

#include "agent/duties/duties.hpp"
#include "agent/etcd_care.hpp"
#include "agent/etcd_departure.hpp"
#include "agent/host/notify.hpp"
#include "agent/reconcile.hpp"
#include "agent/run_lock.hpp"
#include "agent/tombstone.hpp"

namespace muster {
namespace {

// What the next report tells of them.
struct KeptDuties {
  std::optional<std::string> lease_holder;  // nothing: not a control plane
  std::optional<DutiesReport> report;
  bool is_awaited = false;
  EtcdCare etcd;                      // of the last look
  std::vector<HealthProblem> unwell;  // of the cluster, etcd's included
};

// The server, or an operator before his terminal, waits for what comes of it.
constexpr std::chrono::seconds awaited_poll{3};

EtcdCare keep_etcd(Host& host, const Outcome& outcome, EtcdCarer carer,
                   const std::set<std::string>& suspects, const Narrate& narrate) {
  const bool is_current = !outcome.fetched.offline && outcome.fetched.refused.empty();
  EtcdCare care =
      care_for_etcd(host.process, outcome.fetched.document, is_current, carer, suspects);
  for (const auto& line : care.done) narrate("etcd: " + line);
  return care;
}

KeptDuties keep_duties(Host& host, const Outcome& outcome, const EtcdCare& last,
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
    kept.etcd = keep_etcd(host, outcome, EtcdCarer::leader, last.suspects, narrate);
    kept.unwell = kept.etcd.unwell;
    return kept;
  }
  for (const auto& line : done->done) narrate("duties: " + line);
  for (const auto& line : done->failed) narrate("duties failed: " + line);
  kept.report = done->report;
  kept.lease_holder = done->lease_holder;
  kept.is_awaited = done->is_awaited;
  kept.unwell = done->unwell;
  if (!done->holder) return kept;
  kept.etcd = keep_etcd(host, outcome, EtcdCarer::holder, last.suspects, narrate);
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
void stay_ended(const Tombstone& tombstone, bool is_news, Host& host, const Narrate& narrate) {
  notify_ready();
  for (;;) {
    const auto done = obey(tombstone, is_news, host, narrate);
    if (!done) narrate(done.error().message);
    // What was taken needs time; what was done needs nothing more.
    do host.clock.sleep(std::chrono::minutes(5));
    while (done && tombstone.on_delete != OnDelete::poweroff);
  }
}

}  // namespace

Result<void> run_daemon(Host& host, Network& network, const Narrate& narrate) {
  bool ordered = false;
  Memory memory;
  KeptDuties duties;
  for (bool is_first = true;; is_first = false) {
    const auto kept = kept_tombstone(host.files);
    if (kept && *kept) stay_ended(**kept, false, host, narrate);
    auto settings = load_settings(host, network, narrate);
    if (!settings) return pass(settings.error());
    auto lock = take_run_lock(host, narrate);
    if (!lock) return pass(lock.error());
    auto checkpoint = load_checkpoint(host.files);
    if (!checkpoint) return pass(checkpoint.error());
    Reporter reporter(host, *checkpoint, memory, narrate);
    reporter.report().duties = duties.report;
    reporter.report().lease_holder = duties.lease_holder;
    Run run{host,  network, *settings, *checkpoint, reporter, Deadline(host.clock, boot_deadline),
            false, ordered, memory};
    run.is_service = true;
    const Outcome outcome = reconcile(run);
    if (outcome.ended) {
      lock->close();
      stay_ended(*outcome.ended, true, host, narrate);
    }
    if (is_first) notify_ready();
    ordered = outcome.answer.converge && !ordered;
    lock->close();
    const auto asked_at = host.clock.since_boot();
    duties = keep_duties(host, outcome, duties.etcd, narrate);
    memory.cluster_unwell = duties.unwell;
    if (!ordered) sleep_until_poll(asked_at, outcome.answer.poll_after, duties.is_awaited, host);
  }
}

}  // namespace muster
