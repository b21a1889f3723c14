// `muster-agent converge --now`: an order that somebody gives on the machine itself. Masters of one
// cluster take turns, whoever orders it (rollout/README.md), so on one of several it asks the
// server, as `muster node converge` does.
#pragma once

#include <functional>

#include "agent/reconcile.hpp"
#include "agent/state/checkpoint.hpp"

namespace muster {

enum class Order {
  none,  // what restarts something waits
  asks,  // likewise, and the last report asks for the machine's turn, unless nothing waits for it
  given
};

struct ConvergeOnce {
  Outcome outcome;
  bool was_heard = false;  // the server heard the verdict
};

// One of several masters, by the document under which it was last found in effect: one that never
// settled has nothing that a restart could take from the cluster.
[[nodiscard]] bool takes_turns(const Filesystem& files, const Checkpoint& checkpoint);

// Carries the order out by `once`, whose errors it passes on; with `asks_first` only once the
// server has given the turn, unless nothing waits for one. forbidden: it has not; what the turn
// waits for, and the way round.
[[nodiscard]] Result<Outcome> converge_now(bool asks_first,
                                           const std::function<Result<ConvergeOnce>(Order)>& once);

}  // namespace muster
