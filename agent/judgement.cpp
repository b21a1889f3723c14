#include "agent/judgement.hpp"

#include <algorithm>

#include "agent/effects/observed_state.hpp"
#include "agent/state/settled_document.hpp"
#include "machine/desired_state_of.hpp"

namespace muster {
namespace {

// What a report has room for.
constexpr std::size_t most_problems = 50;

Failure refusal_as_failure(const Refusal& refusal) {
  Failure failure{FailureClass::document, Error{ErrorKind::conflict, refusal.document.reason},
                  refusal.detail};
  failure.kind = failure_class_named(refusal.failure_class);
  return failure;
}

Configuration configuration_of(const ConvergeResult<>& done, const Run& run,
                               const ConvergeState& state) {
  if (state.is_fallen_back && run.checkpoint.refused)
    return done ? Configuration::fallen_back : Configuration::refused;
  if (is_settled(run, state)) return Configuration::settled;
  if (!done || !is_up(run, state)) return Configuration::trying;
  return state.failures.empty() && !state.pending.empty() ? Configuration::settled
                                                          : Configuration::trying;
}

// Of what failed, or of the first thing that is not as it should be on a settled machine.
std::optional<FailureDetail> detail_of(const Judgement& judgement, const ConvergeResult<>& done,
                                       const ConvergeState& state) {
  if (judgement.failure) return judgement.failure->detail;
  if (!done) return done.error().detail;
  if (!state.failures.empty()) return state.failures.front().detail;
  if (state.not_ready) return state.not_ready->detail;
  return std::nullopt;
}

// "kubelet.service: restart: ..."
std::set<std::string> units_of(const std::vector<std::string>& pending) {
  std::set<std::string> units;
  for (const auto& row : pending) units.insert(row.substr(0, row.find(':')));
  return units;
}

std::int64_t unix_now(const Run& run) {
  return std::chrono::system_clock::to_time_t(run.host.clock.now());
}

// Whether what the machine's components were last started with is what this document starts them
// with. What is harmless is the newest's at once.
bool runs_by(const NodeDocument& document, const Run& run, const ConvergeState& state) {
  const Checkpoint& checkpoint = run.checkpoint;
  const auto desired =
      desired_state_of(document, state.fetched.peers, state.facts, checkpoint.etcd_start);
  return desired &&
         std::all_of(desired->units.begin(), desired->units.end(), [&](const auto& unit) {
           const auto recorded = checkpoint.units.find(unit.name);
           return unit.restart_is_harmless ||
                  (recorded != checkpoint.units.end() &&
                   !effect_of(unit, recorded->second, inputs_of(unit, *desired)).restarts);
         });
}

// The document that is wholly in effect: the settled one, where no unit runs on another. In a run
// that came to no document it is as the runs before left it.
std::string digest_in_force(const Run& run, const ConvergeState& state) {
  const std::string& settled = run.checkpoint.settled_document;
  if (!is_up(run, state)) return {};
  if (state.fetched.digest.empty() || is_settled(run, state)) return settled;
  const auto kept = settled_document(run.host.files, run.checkpoint);
  if (!kept) return {};
  const auto& document = state.way_back ? state.way_back->document : kept->document;
  return runs_by(document, run, state) ? settled : std::string();
}

// Since when each is unwell, as this agent saw it.
void date(std::vector<HealthProblem>& problems, Run& run, bool has_looked) {
  std::map<std::string, std::int64_t> now;
  for (auto& problem : problems) {
    const auto known = run.memory.unwell_since.find(problem.subject);
    const bool is_new = known == run.memory.unwell_since.end();
    problem.since = is_new ? unix_now(run) : known->second;
    now[problem.subject] = problem.since;
    if (is_new) {
      run.reporter.say(fmt::format("unwell: {}: {}", problem.subject, problem.message));
    }
  }
  for (const auto& [subject, since] : run.memory.unwell_since) {
    if (now.count(subject) > 0) continue;
    if (has_looked) {
      run.reporter.say(fmt::format("well again after {} s: {}", unix_now(run) - since, subject));
    } else {
      now[subject] = since;
    }
  }
  run.memory.unwell_since = std::move(now);
}

}  // namespace

std::optional<Failure> failure_of(const ConvergeResult<>& done, const Run& run,
                                  const ConvergeState& state) {
  if (is_settled(run, state)) return std::nullopt;
  if (!done) return done.error();
  return state.failures.empty() ? std::nullopt : std::optional<Failure>(state.failures.front());
}

bool refuse(Run& run, const ConvergeState& state, const Failure& failure, std::string& excuse) {
  auto& checkpoint = run.checkpoint;
  if (!state.way_back || state.is_fallen_back || !checkpoint.withdrawn.empty()) return false;
  if (const auto& away = state.session->away; away && away->kind == FailureClass::clock) {
    excuse = away->error.message;
    return false;
  }
  const bool is_first_try = state.kind == RunKind::running && !failure.subject.empty() &&
                            !run.memory.backoff.has_failed_again(failure.subject);
  if (is_first_try) return false;
  const auto settled = desired_state_of(state.way_back->document, state.fetched.peers, state.facts,
                                        checkpoint.etcd_start);
  if (!settled) return false;
  const Blame blame = blame_for(failure, state.desired, *settled, units_of(state.pending),
                                state.disturbances.found());
  excuse = blame.excuse;
  if (!blame.is_documents) return false;
  std::string reason = failure.error.message;
  if (const auto& stays = state.way_back->stays; !stays.empty()) {
    reason +=
        fmt::format("\nnot taken back, since it has changed data: {}", fmt::join(stays, ", "));
  }
  checkpoint.refused = Refusal{
      {state.fetched.digest, std::move(reason)}, std::string(name(failure.kind)), failure.detail};
  // What does not run on the new inputs has nothing to come back as; nor to wait for.
  const auto unit = checkpoint.units.find(failure.detail.unit);
  if (unit != checkpoint.units.end()) unit->second.configuration.clear();
  run.memory.backoff.clear();
  // Before anything is put back: whoever is killed now goes on with that.
  return save(checkpoint, run.host.files).has_value();
}

bool fails_alike(const Failure& failure, const ConvergeResult<>& back, const ConvergeState& state) {
  const auto is_alike = [&](const Failure& other) {
    return failure.kind == other.kind && failure.detail.unit == other.detail.unit;
  };
  return (!back && is_alike(back.error())) ||
         std::any_of(state.failures.begin(), state.failures.end(), is_alike);
}

void withdraw(Run& run, const ConvergeState& state) {
  run.checkpoint.withdrawn = state.fetched.digest;
  run.checkpoint.refused.reset();
  if (auto saved = save(run.checkpoint, run.host.files); !saved) {
    run.reporter.note(saved.error().message);
  }
}

Judgement judge(const ConvergeResult<>& done, const Run& run, const ConvergeState& state) {
  Judgement judgement;
  judgement.configuration = configuration_of(done, run, state);
  judgement.failure = failure_of(done, run, state);
  if (judgement.failure) return judgement;
  if (state.is_fallen_back && run.checkpoint.refused) {
    judgement.failure = refusal_as_failure(*run.checkpoint.refused);
  } else if (!state.fetched.refused.empty()) {
    // The machine runs by the last good document, and somebody must hear of the bad one.
    judgement.failure =
        Failure{FailureClass::document, Error{ErrorKind::conflict, state.fetched.refused}, {}};
  } else {
    judgement.verdict = state.waits() ? Verdict::pending_changes : Verdict::converged;
  }
  return judgement;
}

void tell(const Judgement& judgement, const ConvergeResult<>& done, Run& run,
          ConvergeState& state) {
  Report& report = run.reporter.report();
  report.configuration = judgement.configuration;
  report.document_digest = digest_in_force(run, state);
  report.pending_digest = state.waits() ? state.fetched.digest : std::string();
  report.refused_document.reset();
  if (const auto& refused = run.checkpoint.refused; refused && state.is_fallen_back) {
    report.refused_document = refused->document;
  } else if (const auto& fetched = state.fetched; !fetched.refused_digest.empty()) {
    report.refused_document = RefusedDocument{fetched.refused_digest, fetched.refused};
  }
  report.failure = detail_of(judgement, done, state);
  if (!done && is_settled(run, state)) {
    state.add_unwell({{std::string(name(done.error().kind)), done.error().error.message, 0}});
  }
  state.add_unwell(run.memory.cluster_unwell);
  state.add_unwell(run.memory.own_unwell);
  report.unwell = state.unwell;
  if (report.unwell.size() > most_problems) report.unwell.resize(most_problems);
  // A run that came to no document has looked at nothing.
  date(report.unwell, run, !state.fetched.digest.empty());
}

}  // namespace muster
