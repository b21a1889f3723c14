#include "agent/daemon.hpp"

#include "agent/duties/duties.hpp"
#include "agent/etcd_departure.hpp"
#include "agent/host/notify.hpp"
#include "agent/reconcile.hpp"
#include "agent/run_lock.hpp"

namespace muster {
namespace {

void keep_duties(Host& host, const Outcome& outcome, const Narrate& narrate) {
  const auto& document = outcome.fetched.document;
  const bool runs = outcome.verdict != Verdict::failed || !outcome.fetched.refused.empty();
  if (!runs || !is_control_plane(document.role.role)) return;
  const auto done = perform_duties(
      document, outcome.fetched.peers, host, [&](const std::vector<std::string>& machines) {
        return remove_departed_members(host.process, document, machines);
      });
  if (!done) return narrate("duties: " + done.error().message);
  for (const auto& line : done->done) narrate("duties: " + line);
  for (const auto& line : done->failed) narrate("duties failed: " + line);
}

}  // namespace

Result<void> run_daemon(Host& host, Network& network, const Narrate& narrate) {
  bool ordered = false;
  std::string given_up;
  for (bool is_first = true;; is_first = false) {
    auto settings = load_settings(host, network, narrate);
    if (!settings) return pass(settings.error());
    auto lock = take_run_lock(host, narrate);
    if (!lock) return pass(lock.error());
    auto checkpoint = load_checkpoint(host.files);
    if (!checkpoint) return pass(checkpoint.error());
    Reporter reporter(host, *checkpoint, narrate);
    Run run{host,  network,  *settings, *checkpoint, reporter, Deadline(host.clock, boot_deadline),
            false, given_up, ordered};
    const Outcome outcome = reconcile(run);
    if (is_first) notify_ready();
    const bool is_final =
        outcome.verdict == Verdict::failed && !is_cured_from_outside(outcome.failure);
    given_up = is_final ? outcome.fetched.digest : std::string();
    ordered = outcome.answer.converge && !ordered;
    lock->close();
    keep_duties(host, outcome, narrate);
    if (!ordered) host.clock.sleep(outcome.answer.poll_after);
  }
}

}  // namespace muster
