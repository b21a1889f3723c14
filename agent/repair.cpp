#include "agent/repair.hpp"

#include <algorithm>
#include <set>

#include "agent/effects/effects.hpp"
#include "agent/plan_text.hpp"

namespace muster {
namespace {

// What an action is about: how it is named to people, and held back after a failure.
struct SubjectOf {
  std::string operator()(const InstallRelease& action) const { return action.release.name; }
  std::string operator()(const BringReleases&) const { return "releases ahead of their turn"; }
  std::string operator()(const MakeAccount& action) const { return "account " + action.name; }
  std::string operator()(const ObtainCertificates&) const { return "certificates"; }
  // A comparison is no input of a unit, which goes on with what is there.
  std::string operator()(const FetchSecret& action) const {
    return action.compares ? "comparison of " + action.secret.path : action.secret.path;
  }
  std::string operator()(const MakeDirectory& action) const { return action.directory.path; }
  std::string operator()(const WriteFile& action) const { return action.file.path; }
  std::string operator()(const RemovePath& action) const { return action.path; }
  std::string operator()(const CorrectFile& action) const { return action.path; }
  std::string operator()(const ReloadServiceManager&) const { return "systemd"; }
  std::string operator()(const StartUnits& action) const { return action.units.front(); }
  std::string operator()(const RestartUnits& action) const { return action.units.front(); }
  std::string operator()(const ReloadUnits& action) const { return action.units.front(); }
  std::string operator()(const StopUnits& action) const { return action.units.front(); }
  std::string operator()(const ImportImage& action) const { return action.archive; }
};

// One action for each unit, so that one that fails costs no other.
template <class Units>
bool split(const PlannedAction& planned, std::vector<PlannedAction>& actions) {
  const auto* jobs = std::get_if<Units>(&planned.action);
  if (jobs == nullptr) return false;
  for (const auto& unit : jobs->units) {
    Units one = *jobs;
    one.units = {unit};
    actions.push_back({one, planned.cost, planned.reason});
  }
  return true;
}

std::vector<PlannedAction> one_by_one(const Plan& plan) {
  std::vector<PlannedAction> actions;
  for (const auto& planned : plan.actions) {
    if (split<StartUnits>(planned, actions) || split<RestartUnits>(planned, actions) ||
        split<ReloadUnits>(planned, actions) || split<StopUnits>(planned, actions)) {
      continue;
    }
    actions.push_back(planned);
  }
  return actions;
}

// What of `lost` the unit would be started without; empty: nothing.
std::string missing_input(const DesiredState& desired, const std::string& unit,
                          const std::set<std::string>& lost) {
  for (const auto& wanted : desired.units) {
    if (wanted.name != unit) continue;
    for (const auto* inputs :
         {&wanted.releases, &wanted.tools, &wanted.restart_on, &wanted.reload_on}) {
      const auto found = std::find_if(inputs->begin(), inputs->end(),
                                      [&](const auto& input) { return lost.count(input) > 0; });
      if (found != inputs->end()) return *found;
    }
  }
  return {};
}

// What no document asked for now: it was in effect before.
bool is_put_back(const Action& action) {
  const auto* restart = std::get_if<RestartUnits>(&action);
  return std::holds_alternative<CorrectFile>(action) || (restart != nullptr && restart->puts_back);
}

// "put back: /etc/muster/agent.json: mode 0644, expected 0600"
std::string put_back_text(const PlannedAction& planned, const std::string& subject) {
  // The reason of a restart names its unit already.
  const bool is_named = planned.reason.rfind(subject + ": ", 0) == 0;
  return fmt::format("put back: {}{}", is_named ? "" : subject + ": ", planned.reason);
}

// The machine goes on with what it runs: told, but nothing that the newest document is judged by.
bool is_aside(const Action& action) {
  const auto* secret = std::get_if<FetchSecret>(&action);
  return std::holds_alternative<BringReleases>(action) || is_put_back(action) ||
         (secret != nullptr && secret->compares);
}

// What fell out of effect and stays so is a failure of its own, with a pause of its own.
ConvergeResult<> look_again(const Action& action, const Run& run, const DesiredState& desired) {
  const auto* restart = std::get_if<RestartUnits>(&action);
  if (restart == nullptr || !restart->puts_back) return {};
  const auto undone = observe_effects({run.host, desired, run.checkpoint, {}}).undone;
  const auto still = undone.find(restart->units.front());
  if (still == undone.end()) return {};
  return fail_converge(FailureClass::runtime, ErrorKind::unavailable,
                       fmt::format("{}; a restart of {} did not put it back: journalctl -u {} -b",
                                   in_short(still->second), still->first, still->first));
}

}  // namespace

Plan only_put_back(const Plan& plan) {
  Plan part;
  std::copy_if(plan.actions.begin(), plan.actions.end(), std::back_inserter(part.actions),
               [](const auto& planned) { return is_put_back(planned.action); });
  return part;
}

Plan without_put_back(const Plan& plan) {
  Plan rest = plan;
  std::erase_if(rest.actions, [](const auto& planned) { return is_put_back(planned.action); });
  return rest;
}

std::set<std::string> subjects_of(const Plan& plan) {
  std::set<std::string> subjects;
  for (const auto& planned : one_by_one(plan)) {
    subjects.insert(std::visit(SubjectOf{}, planned.action));
  }
  return subjects;
}

Repaired repair(const Plan& plan, Run& run, const ApplyInputs& inputs) {
  Repaired repaired;
  std::set<std::string> lost;
  auto& backoff = run.memory.backoff;
  const auto lose = [&](const std::string& subject, const std::string& message) {
    lost.insert(subject);
    repaired.unwell.push_back({subject, message, 0});
  };
  for (const auto& planned : one_by_one(plan)) {
    const std::string subject = std::visit(SubjectOf{}, planned.action);
    const bool is_judged = !is_aside(planned.action);
    const auto* before = backoff.failure(subject);
    const auto left = backoff.left(subject, run.host.clock.since_boot());
    if (before != nullptr && left.count() > 0) {
      lose(subject, fmt::format("{}; tried again in {} s", before->error.message, left.count()));
      if (is_judged) repaired.failures.push_back(*before);
      continue;
    }
    if (const auto input = missing_input(inputs.desired, subject, lost); !input.empty()) {
      lose(subject, "waits for " + input);
      continue;
    }
    auto done = apply(Plan{{planned}, {}, {}}, run, inputs);
    if (done) done = look_again(planned.action, run, inputs.desired);
    if (done) {
      backoff.succeeded(subject);
      if (is_put_back(planned.action)) run.reporter.say(put_back_text(planned, subject));
      continue;
    }
    done.error().subject = subject;
    backoff.failed(subject, done.error(), run.host.clock.since_boot());
    lose(subject, done.error().error.message);
    if (is_judged) repaired.failures.push_back(std::move(done.error()));
  }
  return repaired;
}

}  // namespace muster
