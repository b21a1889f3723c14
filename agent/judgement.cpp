#include "agent/judgement.hpp"

#include "agent/observed_state.hpp"
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

std::int64_t unix_now(const Run& run) {
  return std::chrono::system_clock::to_time_t(run.host.clock.now());
}

// Since when each is unwell, as this agent saw it.
void date(std::vector<HealthProblem>& problems, Run& run) {
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
    if (now.count(subject) == 0) {
      run.reporter.say(fmt::format("well again after {} s: {}", unix_now(run) - since, subject));
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

bool refuse(Run& run, const ConvergeState& state, const Failure& failure) {
  if (!state.way_back || state.is_fallen_back ||
      run.memory.withdrawn.count(state.fetched.digest) > 0) {
    return false;
  }
  const auto settled = desired_state_of(state.way_back->document, state.fetched.peers, state.facts,
                                        run.checkpoint.etcd_start);
  if (!settled || !is_caused_by(state.desired, *settled, failure)) return false;
  std::string reason = failure.error.message;
  if (const auto& stays = state.way_back->stays; !stays.empty()) {
    reason +=
        fmt::format("\nnot taken back, since it has changed data: {}", fmt::join(stays, ", "));
  }
  run.checkpoint.refused = Refusal{
      {state.fetched.digest, std::move(reason)}, std::string(name(failure.kind)), failure.detail};
  // Before anything is put back: whoever is killed now goes on with that.
  return save(run.checkpoint, run.host.files).has_value();
}

void withdraw(Run& run, const ConvergeState& state) {
  run.memory.withdrawn.insert(state.fetched.digest);
  run.checkpoint.refused.reset();
  if (auto saved = save(run.checkpoint, run.host.files); !saved) {
    run.reporter.note(saved.error().message);
  }
}

bool is_alike(const Failure& one, const Failure& other) {
  return one.kind == other.kind && one.detail.unit == other.detail.unit;
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
    judgement.verdict = state.pending.empty() ? Verdict::converged : Verdict::pending_changes;
  }
  return judgement;
}

void tell(const Judgement& judgement, const ConvergeResult<>& done, Run& run,
          ConvergeState& state) {
  Report& report = run.reporter.report();
  report.configuration = judgement.configuration;
  report.document_digest = is_up(run, state) ? run.checkpoint.settled_document : std::string();
  report.pending_digest = state.pending.empty() ? std::string() : state.fetched.digest;
  report.refused_document.reset();
  if (const auto& refused = run.checkpoint.refused; refused && state.is_fallen_back) {
    report.refused_document = refused->document;
  } else if (!state.fetched.refused.empty()) {
    report.refused_document = RefusedDocument{{}, state.fetched.refused};
  }
  report.failure = detail_of(judgement, done, state);
  if (!done && is_settled(run, state)) {
    state.add_unwell({{std::string(name(done.error().kind)), done.error().error.message, 0}});
  }
  state.add_unwell(run.memory.cluster_unwell);
  state.add_unwell(run.memory.own_unwell);
  report.unwell = state.unwell;
  if (report.unwell.size() > most_problems) report.unwell.resize(most_problems);
  date(report.unwell, run);
}

}  // namespace muster
