#include "agent/reconcile.hpp"

#include <map>

#include "agent/converge.hpp"
#include "agent/judgement.hpp"
#include "agent/kept_status.hpp"
#include "agent/run/failure_detail.hpp"
#include "agent/session/tombstone.hpp"
#include "agent/slots.hpp"

namespace muster {
namespace {

// The story. A step that fails ends it; nothing before `install_foundation` writes outside
// paths::state.
ConvergeResult<> converge_once(Run& run, ConvergeState& state) {
  for (const auto step : {fetch_documents, derive_desired, preflight, install_foundation, join_etcd,
                          apply_rest, await_ready, keep_slots}) {
    if (auto done = step(run, state); !done) return done;
  }
  return {};
}

// The server's silence is waited out. A wrong NIC is not: its address may come a few seconds after
// the agent, by DHCP, and else a person must hear of it.
int retries_after(const Failure& failure, const Run& run, const ConvergeState& state) {
  // A person's run holds the service up: it has waited for an API server as long as it may.
  if (failure.kind == FailureClass::api && !run.is_service && is_up(run, state)) return 0;
  // A unit that exits (exit_watch.hpp): systemd has tried again, three times.
  if (!failure.detail.unit.empty() && failure.error.kind == ErrorKind::conflict) return 0;
  const bool is_finding =
      failure.kind == FailureClass::network && failure.error.kind == ErrorKind::invalid;
  return is_finding ? 4 : retries_of(failure.kind);
}

// Planning again goes on where a failed attempt stopped, so a retry is the same story told again.
ConvergeResult<> converge_with_retries(Run& run, ConvergeState& state) {
  std::map<FailureClass, int> failures;
  constexpr std::chrono::milliseconds longest_pause(10000);
  for (std::chrono::milliseconds pause(500);; pause = std::min(pause * 2, longest_pause)) {
    auto done = converge_once(run, state);
    if (done) return done;
    const auto& failure = done.error();
    if (run.memory.has_run && !run.ordered) return done;  // the next poll comes soon
    if (++failures[failure.kind] > retries_after(failure, run, state) ||
        run.deadline.has_passed()) {
      return done;
    }
    run.reporter.note(fmt::format("trying again after: {}", failure.error.message));
    run.host.clock.sleep(std::min(pause, run.deadline.left()));
  }
}

// Told while what failed is still to be seen, and before it is judged by its unit.
ConvergeResult<> converge_and_explain(Run& run, ConvergeState& state) {
  auto done = converge_with_retries(run, state);
  std::vector<Failure*> failures;
  if (!done) failures.push_back(&done.error());
  for (auto& failure : state.failures) failures.push_back(&failure);
  add_details(failures, state.unwell, run, state.desired,
              is_settled(run, state) ? FailureOf::health : FailureOf::attempt);
  if (state.not_ready) {
    std::vector<HealthProblem> told;
    add_details({&*state.not_ready}, told, run, state.desired, FailureOf::health);
  }
  if (!failures.empty()) look_at_units(run, state);
  return done;
}

// What failed and has another cause is told with that.
void excuse(ConvergeResult<>& done, ConvergeState& state, const std::string& why) {
  Failure& failure = done ? state.failures.front() : done.error();
  failure.detail.cure = why + ", which the document did not cause: this machine tries on by itself";
}

// A document that does not work here is refused, and the machine goes back to the settled one.
ConvergeResult<> converge(Run& run, ConvergeState& state) {
  auto done = converge_and_explain(run, state);
  const auto failure = failure_of(done, run, state);
  if (!failure) return done;
  std::string other_cause;
  if (!refuse(run, state, *failure, other_cause)) {
    if (!other_cause.empty()) excuse(done, state, other_cause);
    return done;
  }
  run.reporter.note(fmt::format("going back to the last document that worked, after: {}",
                                failure->error.message));
  run.deadline = Deadline(run.host.clock, boot_deadline);
  auto back = converge_and_explain(run, state);
  if (fails_alike(*failure, back, state)) withdraw(run, state);
  return back;
}

// What was kept, by this run or an earlier one; where that cannot be read, the server's next answer
// says it (fetch.hpp), and nothing starts before.
ConvergeResult<> check_not_ended(const Run& run, std::optional<Tombstone>& ended) {
  auto kept = kept_tombstone(run.host.files);
  if (!kept) return {};
  ended = *kept;
  if (!ended) return {};
  return fail_converge(FailureClass::identity, ErrorKind::forbidden, to_text(*ended));
}

// Why nothing is started, before why the server could not say whether it is so.
void tell_damaged_end(const Run& run, Failure& failure) {
  const auto kept = kept_tombstone(run.host.files);
  if (kept || failure.error.message.find(kept.error().message) != std::string::npos) return;
  failure.kind = FailureClass::identity;
  failure.error.message = kept.error().message + "\n" + failure.error.message;
}

// It may go on by what it has; whoever waits for the newest waits in vain.
std::string words_of_refusal(const ConvergeState& state) {
  if (!state.session || !state.session->away) return {};
  const Error& error = state.session->away->error;
  // A stranger at the server's address has no word of the server's for it, and no say.
  const bool is_refusal =
      error.kind == ErrorKind::forbidden ||
      (error.kind == ErrorKind::unauthenticated && error.code != name(error.kind));
  return is_refusal ? error.message : std::string();
}

// Whoever orders it wants everything tried, now.
void forget_failures(Run& run) {
  run.checkpoint.refused.reset();
  run.memory.backoff.clear();
  run.checkpoint.withdrawn.clear();
}

}  // namespace

Outcome reconcile(Run& run) {
  if (run.verify) run.checkpoint.releases.clear();
  if (run.ordered) forget_failures(run);
  ConvergeState state;
  Outcome outcome;
  auto done = check_not_ended(run, outcome.ended);
  if (done) done = converge(run, state);
  if (!done && !outcome.ended) static_cast<void>(check_not_ended(run, outcome.ended));
  if (!done && !outcome.ended) tell_damaged_end(run, done.error());
  outcome.changed = state.changed;
  const Judgement judgement = judge(done, run, state);
  outcome.verdict = judgement.verdict;
  if (judgement.failure) {
    outcome.failure = judgement.failure->kind;
    outcome.message = judgement.failure->error.message;
  }
  outcome.is_up = is_up(run, state);
  outcome.refused = words_of_refusal(state);
  tell(judgement, done, run, state);
  outcome.fetched = std::move(state.fetched);
  run.memory.has_run = true;
  outcome.answer = run.reporter.finish(
      outcome.verdict, judgement.failure ? name(outcome.failure) : std::string_view(),
      outcome.message);
  keep_status(run.reporter.report(), run.host.files);
  run.reporter.connect(nullptr);  // the session ends here
  return outcome;
}

ConvergeResult<Plan> preview(Run& run) {
  ConvergeState state;
  std::optional<Tombstone> ended;
  if (auto goes_on = check_not_ended(run, ended); !goes_on) return pass_failure(goes_on.error());
  if (auto fetched = fetch_documents(run, state); !fetched) return pass_failure(fetched.error());
  run.reporter.connect(nullptr);
  if (auto derived = derive_desired(run, state); !derived) return pass_failure(derived.error());
  return plan_for(run, state);
}

}  // namespace muster
