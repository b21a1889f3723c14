// The two judgements that end a run. Configuration: is the newest document settled, being tried,
// refused, or fallen back from? Health: what of it all is not in effect now? The first is in the
// checkpoint and outlives reboots, the second is looked at anew in every run.
#pragma once

#include <optional>

#include "agent/converge.hpp"

namespace muster {

struct Judgement {
  Verdict verdict = Verdict::failed;
  std::optional<Failure> failure;  // of a failed verdict
  Configuration configuration = Configuration::trying;
};

// What made the attempt fail; nothing where it did not, or where what failed is the health of a
// settled document.
[[nodiscard]] std::optional<Failure> failure_of(const ConvergeResult<>& done, const Run& run,
                                                const ConvergeState& state);

// Whether the newest document is to blame for the failure and there is a way back (fallback.hpp);
// then the refusal is in the checkpoint. Between turns only what failed again after its pause is
// judged: somebody may have killed it. Where something else was the cause, it is in `excuse`.
[[nodiscard]] bool refuse(Run& run, const ConvergeState& state, const Failure& failure,
                          std::string& excuse);
// Whether the run with the settled document came to the same failure.
[[nodiscard]] bool fails_alike(const Failure& failure, const ConvergeResult<>& back,
                               const ConvergeState& state);
// So the newest one is not to blame: it is tried on, and not refused again.
void withdraw(Run& run, const ConvergeState& state);

[[nodiscard]] Judgement judge(const ConvergeResult<>& done, const Run& run,
                              const ConvergeState& state);
// Fills the report in, and says in the journal what is unwell since now, and what is well again.
void tell(const Judgement& judgement, const ConvergeResult<>& done, Run& run, ConvergeState& state);

}  // namespace muster
