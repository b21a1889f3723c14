#include "agent/reconcile.hpp"

#include <map>

#include "agent/converge.hpp"
#include "agent/tombstone.hpp"

namespace muster {
namespace {

// The story. A step that fails ends it; nothing before `install_foundation` writes outside
// paths::state.
ConvergeResult<> converge_once(Run& run, ConvergeState& state) {
  for (const auto step : {fetch_documents, derive_desired, preflight, install_foundation, join_etcd,
                          apply_rest, await_ready}) {
    if (auto done = step(run, state); !done) return done;
  }
  return {};
}

// The server's silence is waited out. A wrong NIC is not: its address may come a few seconds after
// the agent, by DHCP, and else a person must hear of it.
int retries_after(const Failure& failure) {
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
    if (++failures[failure.kind] > retries_after(failure) || run.deadline.has_passed()) {
      return done;
    }
    run.reporter.note(fmt::format("trying again after: {}", failure.error.message));
    run.host.clock.sleep(std::min(pause, run.deadline.left()));
  }
}

// What was kept, by this run or an earlier one; where that cannot be read, nothing may start
// either.
ConvergeResult<> check_not_ended(const Run& run, std::optional<Tombstone>& ended) {
  auto kept = kept_tombstone(run.host.files);
  if (!kept) return fail_converge(FailureClass::identity, kept.error());
  ended = *kept;
  if (!ended) return {};
  return fail_converge(FailureClass::identity, ErrorKind::forbidden, to_text(*ended));
}

}  // namespace

Outcome reconcile(Run& run) {
  if (run.verify) run.checkpoint.releases.clear();
  ConvergeState state;
  Outcome outcome;
  auto done = check_not_ended(run, outcome.ended);
  if (done) done = converge_with_retries(run, state);
  if (!done && !outcome.ended) static_cast<void>(check_not_ended(run, outcome.ended));
  outcome.changed = state.changed;
  outcome.fetched = state.fetched;
  std::string_view failure_class;
  if (!done) {
    outcome.failure = done.error().kind;
    outcome.message = done.error().error.message;
    failure_class = name(outcome.failure);
  } else if (!state.fetched.refused.empty()) {
    // The machine runs by the last good document, and somebody must hear of the bad one.
    outcome.failure = FailureClass::document;
    outcome.message = state.fetched.refused;
    failure_class = name(outcome.failure);
  } else {
    outcome.verdict = state.pending.empty() ? Verdict::converged : Verdict::pending_changes;
  }
  outcome.answer = run.reporter.finish(outcome.verdict, failure_class, outcome.message);
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
