#include "agent/tell_once.hpp"

#include "agent/host/observe.hpp"
#include "agent/kept_status.hpp"
#include "agent/own_state.hpp"
#include "agent/run/run.hpp"
#include "agent/session/session.hpp"

namespace muster {

std::optional<ReportAnswer> tell_once(Host& host, Network& network, const Settings& settings,
                                      Memory& memory, const std::function<void(Report&)>& change) {
  Checkpoint checkpoint = read_checkpoint(host);
  Reporter reporter(host, checkpoint, memory, [](std::string_view) {});
  Run run{host,  network, settings, checkpoint, reporter, Deadline(host.clock, boot_deadline),
          false, false,   memory};
  const auto server = connect_as_known(run, true);
  if (server == nullptr) return std::nullopt;
  reporter.connect(server.get());
  Report last = kept_status(host.files).value_or(Report{});
  const Facts facts = observe(host.files, {});
  last.machine_id = facts.machine_id;
  last.boot_id = facts.boot_id;
  last.boot_image = facts.boot_image;
  change(last);
  auto answer = reporter.tell_again(std::move(last));
  return answer ? std::optional(std::move(*answer)) : std::nullopt;
}

void as_reset(Report& report) {
  Report last;
  last.machine_id = report.machine_id;
  last.boot_id = report.boot_id;
  last.fetched_digest = report.fetched_digest;
  last.generation = report.generation;
  last.was_reset = true;
  report = std::move(last);
}

}  // namespace muster
