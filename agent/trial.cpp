#include "agent/trial.hpp"

#include <algorithm>

#include "agent/effects/observed_state.hpp"
#include "agent/host/observe.hpp"
#include "agent/node/node_object.hpp"
#include "machine/desired_state_of.hpp"
#include "machine/unit_traits.hpp"

namespace muster {
namespace {

bool says_that_it_works(const Host& host, const std::string& unit) {
  const auto port = traits_of(unit).port;
  return port == 0 || is_listened_on(host.files, port);
}

// The units that are not proven, and why.
Result<std::map<std::string, std::string>> unproven(const Host& host,
                                                    const std::vector<std::string>& units) {
  const auto statuses = host.services.statuses(units);
  if (!statuses) return pass(statuses.error());
  std::map<std::string, std::string> reasons;
  for (const auto& unit : units) {
    auto reason = unproven_reason(host, unit, statuses->at(unit));
    if (!reason.empty()) reasons[unit] = std::move(reason);
  }
  return reasons;
}

// One look of many: those before counted its restarts.
ConvergeResult<bool> judge_by_restarts(const Run& run,
                                       const std::map<std::string, std::string>& reasons) {
  const auto now = std::chrono::system_clock::to_time_t(run.host.clock.now());
  for (const auto& [unit, reason] : reasons) {
    const auto exits = recent_restarts(run.checkpoint.restarts, unit, now);
    if (exits >= loop_restarts) return pass_failure(exit_failure(unit, exits));
  }
  return false;
}

}  // namespace

std::vector<std::string> units_on_trial(const Run& run, const ConvergeState& state) {
  const Checkpoint& checkpoint = run.checkpoint;
  // What changed since then, the document did not change: peers, this agent.
  const bool is_in_effect = checkpoint.settled_document == state.fetched.digest;
  // What was put back is looked at when it was put back.
  if (is_in_effect || (state.is_fallen_back && !state.changed)) return {};
  std::map<std::string, std::string> others;
  if (state.way_back) {
    const auto& other = state.is_fallen_back ? state.fetched.document : state.way_back->document;
    const auto desired =
        desired_state_of(other, state.fetched.peers, state.facts, checkpoint.etcd_start);
    if (desired) others = configurations_of(*desired);
  }
  std::vector<std::string> units;
  for (const auto& [unit, configuration] : configurations_of(state.desired)) {
    const auto other = others.find(unit);
    if (other == others.end() || other->second != configuration) units.push_back(unit);
  }
  return units;
}

std::string unproven_reason(const Host& host, const std::string& unit, const UnitStatus& status) {
  if (!is_running(status)) return status.active_state;
  if (status.main_pid == 0) return {};  // a oneshot has done its work
  if (status.restarts == 0 && says_that_it_works(host, unit)) return {};
  const auto age = process_age(host, status.main_pid).value_or(std::chrono::nanoseconds(0));
  if (age >= long_enough) return {};
  return fmt::format("started {} s ago",
                     std::chrono::duration_cast<std::chrono::seconds>(age).count());
}

ConvergeResult<bool> await_proof(const Run& run, const std::vector<std::string>& units,
                                 ExitWatch& exits, std::chrono::milliseconds limit) {
  if (units.empty()) return true;
  const Deadline end(run.host.clock, std::min(limit, run.deadline.left()));
  for (;;) {
    const auto reasons = unproven(run.host, units);
    if (!reasons) return fail_converge(FailureClass::runtime, reasons.error());
    if (reasons->empty()) return true;
    if (limit.count() == 0) return judge_by_restarts(run, *reasons);
    if (auto failure = exits.look(run.host)) return pass_failure(std::move(*failure));
    if (end.has_passed()) {
      const auto& [unit, reason] = *reasons->begin();
      return pass_failure(unit_failure(unit, fmt::format("expected it to run for {} s, found it {}",
                                                         long_enough.count(), reason)));
    }
    run.host.clock.sleep(std::chrono::milliseconds(100));
  }
}

}  // namespace muster
