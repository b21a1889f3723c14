#include "agent/converge.hpp"

#include <algorithm>

#include "agent/adoption.hpp"
#include "agent/apply.hpp"
#include "agent/duties/duties.hpp"
#include "agent/etcd/control_plane_departure.hpp"
#include "agent/etcd/etcd_member.hpp"
#include "agent/foundation/artifacts.hpp"
#include "agent/foundation/release_prune.hpp"
#include "agent/host/observe.hpp"
#include "agent/preflight.hpp"
#include "agent/readiness.hpp"
#include "agent/repair.hpp"
#include "agent/state/settled_document.hpp"
#include "agent/trial.hpp"
#include "document/time_text.hpp"
#include "machine/desired_state_of.hpp"

namespace muster {
namespace {

constexpr const char* etcd = "etcd.service";
constexpr const char* kubelet_unit = "kubelet.service";
constexpr std::chrono::seconds trial_limit(30);  // from Ready on
constexpr std::chrono::seconds ready_limit(180);
// Of a person's run on a machine that is up: the service cannot look after it meanwhile.
constexpr std::chrono::seconds ready_limit_by_hand(60);

std::vector<std::string> started_units(const Plan& plan) {
  std::vector<std::string> units;
  const auto add = [&](const auto* jobs) {
    if (jobs != nullptr) units.insert(units.end(), jobs->units.begin(), jobs->units.end());
  };
  for (const auto& planned : plan.actions) {
    add(std::get_if<StartUnits>(&planned.action));
    add(std::get_if<RestartUnits>(&planned.action));
  }
  return units;
}

// Whoever waits for the machine waits in the first run; later ones look, and try again.
bool is_patient(const Run& run) {
  return !run.memory.has_run || run.ordered;
}

ConvergeResult<> carry_out(const Plan& plan, Run& run, ConvergeState& state) {
  state.changed = state.changed || !plan.actions.empty();
  const auto started = started_units(plan);
  state.disturbances.starting(started);
  run.memory.watched.insert(started.begin(), started.end());
  const bool has_kubelet = std::find(started.begin(), started.end(), kubelet_unit) != started.end();
  // In the run of a boot the boot id says as much, and the clock may still be set.
  if (state.kind != RunKind::boot && has_kubelet) {
    run.checkpoint.kubelet_started = utc_text(run.host.clock.now());
  }
  const ApplyInputs inputs{state.desired, state.document.role.cluster.authorities, *state.session,
                           sources_of(state)};
  const bool must_all_be = state.kind != RunKind::running && is_patient(run);
  if (must_all_be) {
    if (auto done = apply(without_put_back(plan), run, inputs); !done) return done;
  }
  auto repaired = repair(must_all_be ? only_put_back(plan) : plan, run, inputs);
  state.add_unwell(repaired.unwell);
  std::move(repaired.failures.begin(), repaired.failures.end(), std::back_inserter(state.failures));
  return {};
}

bool is_any_unit_active(const Run& run, const DesiredState& desired) {
  std::vector<std::string> units;
  for (const auto& unit : desired.units) units.push_back(unit.name);
  const auto statuses = run.host.services.statuses(units);
  return statuses && std::any_of(statuses->begin(), statuses->end(), [](const auto& unit) {
           const auto& state = unit.second.active_state;
           return state != "inactive" && state != "failed";
         });
}

// The inventory decides; but where two sources of truth differ, one of them is a mistake.
ConvergeResult<> check_told(const Settings& settings, const MachineIdentity& role) {
  if (settings.told_node.empty()) return {};
  if (settings.told_node == role.node && settings.told_role == name(role.role)) return {};
  return fail_converge(
      FailureClass::identity, ErrorKind::conflict,
      fmt::format(
          "metadata: expected {} as {}, as the signed document says, found {} as {}; correct myDomain and myRole, or the inventory",
          role.node, name(role.role), settings.told_node, settings.told_role));
}

// Only those that the machine has: a new machine gets its first ones after preflight.
void renew_certificates(Run& run, ConvergeState& state) {
  const auto& authorities = state.document.role.cluster.authorities;
  ObtainCertificates due;
  for (const auto& spec : state.desired.certificates) {
    if (current_version(run.host.files, spec).empty()) continue;
    const auto reason = reason_to_obtain(run.host.files, spec, authorities, run.host.clock.now());
    // Another certificate is for preflight to allow: this may be another machine's document.
    if (!reason.empty() && reason != specification_changed) due.certificates.push_back(spec);
  }
  if (due.certificates.empty()) return;
  const ApplyInputs inputs{state.desired, authorities, *state.session, sources_of(state)};
  const Plan renewals{{{due, Cost::none, "due"}}, {}, {}};
  state.add_unwell(repair(renewals, run, inputs).unwell);
}

std::vector<std::string> recorded_units(const Checkpoint& checkpoint) {
  std::vector<std::string> units;
  for (const auto& [unit, inputs] : checkpoint.units) units.push_back(unit);
  return units;
}

// The machine is up; where `is_in_effect`, by the newest document.
ConvergeResult<> keep_settled(Run& run, ConvergeState& state, bool is_in_effect) {
  if (state.changed) prune_releases(run.host.files, run.checkpoint, state.desired.releases);
  run.checkpoint.settled_boot = state.facts.boot_id;
  auto kept = is_in_effect ? settle(run.host.files, run.checkpoint, state.fetched.envelope,
                                    state.desired_digest)
                           : save(run.checkpoint, run.host.files);
  return kept ? ConvergeResult<>() : fail_converge(FailureClass::disk, kept.error());
}

// As the settled document wanted it, and nothing that follows the newest: what waits for its turn
// runs with that.
std::optional<SettledState> what_runs(const Run& run, const ConvergeState& state) {
  const auto settled = settled_document(run.host.files, run.checkpoint);
  if (!settled) return std::nullopt;
  auto desired = desired_state_of(settled->document, state.fetched.peers, state.facts,
                                  run.checkpoint.etcd_start);
  if (!desired) return std::nullopt;
  auto observed = observe_inputs(run.host, *desired, run.checkpoint);
  return SettledState{std::move(*desired), std::move(observed)};
}

void tell_lapsed(const ObservedState& observed, Run& run, ConvergeState& state) {
  for (const auto& [unit, reason] : observed.lapsed) {
    // In a boot they are still on their way; and what never ran did not stop.
    const bool is_first =
        observed.units.at(unit).active_state == "inactive" && run.memory.watched.count(unit) == 0;
    if (state.kind == RunKind::boot || is_first) continue;
    state.add_unwell({{"unit " + unit, reason + "; it is started again", 0}});
  }
  for (const auto& [unit, status] : observed.units) {
    if (is_running(status)) run.memory.watched.insert(unit);
  }
}

}  // namespace

// Mirrors first: the server's own line is the scarce one.
std::vector<std::string> sources_of(const ConvergeState& state) {
  auto sources = state.document.config.artifact_mirrors;
  const auto& boot = state.session->trust.servers.boot;
  sources.insert(sources.end(), boot.begin(), boot.end());
  return sources;
}

void ConvergeState::add_unwell(const std::vector<HealthProblem>& problems) {
  for (const auto& problem : problems) {
    const bool is_known = std::any_of(unwell.begin(), unwell.end(), [&](const auto& one) {
      return one.subject == problem.subject;
    });
    if (!is_known) unwell.push_back(problem);
  }
}

ConvergeResult<> preflight(Run& run, ConvergeState& state) {
  renew_certificates(run, state);
  const auto& desired = state.desired;
  state.facts.missing_kernel_modules = missing_modules(run.host.files, desired.kernel_modules);
  if (state.kind == RunKind::boot) {
    auto& foreign = state.facts.foreign_ports;
    foreign = listeners_on(run.host.files, desired.ports);
    // Where components run already, the listeners are they.
    if (!foreign.empty() && is_any_unit_active(run, desired)) foreign.clear();
  }
  auto fit = check_told(run.settings, state.document.role);
  if (fit) fit = to_failure(preflight_findings(state.document, state.facts));
  if (fit || state.kind == RunKind::boot) return fit;
  if (state.way_back && !state.is_fallen_back) {
    // A document that does not fit the machine is not put on it: it goes on by the settled one.
    state.failures.push_back(fit.error());
    if (auto back = take_way_back(run, state); !back) return back;
  }
  state.add_unwell({{"machine", fit.error().error.message, 0}});
  return {};
}

bool is_up(const Run& run, const ConvergeState& state) {
  return !state.facts.boot_id.empty() && run.checkpoint.settled_boot == state.facts.boot_id;
}

bool is_settled(const Run& run, const ConvergeState& state) {
  const Checkpoint& checkpoint = run.checkpoint;
  return is_up(run, state) && checkpoint.settled_document == state.fetched.digest &&
         checkpoint.settled_state == state.desired_digest;
}

void look_at_units(const Run& run, ConvergeState& state) {
  const auto units = run.host.services.statuses(recorded_units(run.checkpoint));
  if (units) state.disturbances.look(*units, state.kind == RunKind::boot);
}

ConvergeResult<Plan> plan_for(Run& run, ConvergeState& state) {
  auto observed = observe_state(run.host, state.desired, run.checkpoint,
                                state.document.role.cluster.authorities);
  if (!observed) return fail_converge(FailureClass::runtime, observed.error());
  if (is_rebuilt(run.checkpoint) && state.kind != RunKind::boot) {
    const bool has_settled =
        state.is_fallen_back || state.fetched.digest == run.checkpoint.settled_document;
    adopt(run.host, state.desired, has_settled, *observed, run.checkpoint);
  }
  if (state.kind != RunKind::boot) adopt_units(run.host, state.desired, *observed, run.checkpoint);
  if (state.server() == nullptr) observed->uncompared.clear();
  state.add_unwell(observed->unwell);
  tell_lapsed(*observed, run, state);
  run.checkpoint.restarts = observed->restarts;
  run.checkpoint.starts = observed->starts;
  state.disturbances.look(observed->units, state.kind == RunKind::boot);
  auto plan = make_plan(state.desired, *observed, run.checkpoint, state.kind);
  if (plan.pending.empty()) return plan;
  const auto settled = what_runs(run, state);
  return settled ? make_plan(state.desired, *observed, run.checkpoint, state.kind, &*settled)
                 : std::move(plan);
}

ConvergeResult<> install_foundation(Run& run, ConvergeState& state) {
  const auto& document = state.document;
  state.etcd_turn = {};
  if (is_control_plane(document.role.role) && needs_turn(run, document)) {
    // Asked before the downloads: masters that ask within the same seconds start together.
    auto answer = ask_turn(run, state.server(), document);
    if (!answer) return pass_failure(answer.error());
    state.etcd_turn = *answer;
  }
  state.plan.reset();
  auto plan = plan_for(run, state);
  if (!plan) return pass_failure(plan.error());
  const auto foundation = foundation_of(*plan);
  if (foundation.actions.empty() && state.etcd_turn.action.empty()) state.plan = *plan;
  return carry_out(foundation, run, state);
}

ConvergeResult<> join_etcd(Run& run, ConvergeState& state) {
  const auto& document = state.document;
  if (!is_control_plane(document.role.role) && state.kind != RunKind::running) {
    return leave_control_plane(run, document);
  }
  if (state.etcd_turn.action.empty()) return {};
  auto ready = prepare_member(run, state.server(), document, state.etcd_turn);
  if (!ready) return pass_failure(ready.error());
  state.etcd_turn = *ready;
  return derive_desired(run, state);
}

ConvergeResult<> apply_rest(Run& run, ConvergeState& state) {
  auto plan = state.plan ? ConvergeResult<Plan>(*state.plan) : plan_for(run, state);
  if (!plan) return pass_failure(plan.error());
  run.memory.backoff.keep_only(subjects_of(*plan));
  const bool has_turn = !state.etcd_turn.action.empty();
  if (has_turn && state.etcd_turn.action != "start-new") {
    // kube-apiserver cannot start on a learner: it is promoted before the rest is started.
    if (auto done = carry_out(up_to_unit(*plan, etcd), run, state); !done) return done;
    if (auto done = finish_member(run, state.document); !done) return done;
    plan = plan_for(run, state);
    if (!plan) return pass_failure(plan.error());
  }
  if (auto done = carry_out(rest_of(*plan), run, state); !done) return done;
  state.pending = plan->pending;
  state.next_boot = plan->next_boot;
  if (has_turn && state.etcd_turn.action == "start-new") {
    return finish_member(run, state.document);
  }
  return {};
}

ConvergeResult<> await_ready(Run& run, ConvergeState& state) {
  const auto& document = state.document;
  const auto& cluster = document.role.cluster;
  run.reporter.report().etcd_cluster_id = run.checkpoint.etcd_cluster_id;
  run.reporter.report().etcd_member_id = run.checkpoint.etcd_member_id;
  auto& told = run.reporter.report().pending;
  told = state.pending;
  told.insert(told.end(), state.next_boot.begin(), state.next_boot.end());
  if (is_control_plane(document.role.role) && cluster.pod_network == PodNetwork::none &&
      state.kind == RunKind::boot) {
    // The pod network is an addon there, and no node is Ready without it. What fails now is tried
    // again with the duties of the next turn, and whoever left can wait for that one.
    const RemoveMembers later = [](const auto&) -> Result<std::vector<std::string>> {
      return fail(ErrorKind::unavailable, "left to the next turn");
    };
    static_cast<void>(
        perform_duties(document, state.fetched.peers, run.host, later, std::chrono::seconds(0)));
  }
  if (!state.failures.empty() && state.kind != RunKind::running) {
    return pass_failure(state.failures.front());
  }
  const bool was_disturbed = state.changed || state.kind != RunKind::running;
  // By a clock with which no certificate is valid no API server is reached, however long it takes.
  const auto& away = state.session->away;
  const bool is_vain = state.kind == RunKind::running && away && away->kind == FailureClass::clock;
  const bool waits = was_disturbed && is_patient(run) && !is_vain;
  const bool is_by_hand = !run.is_service && state.kind != RunKind::boot;
  const auto limit = !waits       ? std::chrono::seconds(0)
                     : is_by_hand ? ready_limit_by_hand
                                  : ready_limit;
  ExitWatch exits(recorded_units(run.checkpoint));
  auto ready =
      await_node_ready(run, document, state.fetched.peers,
                       {state.facts.boot_id, run.checkpoint.kubelet_started}, exits, limit);
  if (!ready && state.kind != RunKind::running) return ready;
  if (!ready) {
    state.not_ready = ready.error();
    state.add_unwell({{std::string(name(ready.error().kind)), ready.error().error.message, 0}});
    return {};
  }
  if (!state.failures.empty()) return {};
  const bool is_whole = state.pending.empty();
  auto proven = is_whole ? await_proof(run, units_on_trial(run, state), exits,
                                       std::min<std::chrono::seconds>(limit, trial_limit))
                         : ConvergeResult<bool>(false);
  if (!proven && state.kind != RunKind::running) return pass_failure(proven.error());
  if (!proven) {
    state.failures.push_back(proven.error());
    return {};
  }
  // A boot goes on: what is to be judged yet may have to be taken back.
  if (is_whole && !*proven && state.kind == RunKind::boot) return {};
  return keep_settled(run, state, *proven && !state.is_fallen_back);
}

}  // namespace muster
