#include "agent/order_here.hpp"

#include "agent/state/settled_document.hpp"

namespace muster {
namespace {

constexpr std::string_view way_round =
    "where the other masters are well and it cannot wait: muster-agent converge --now --without-turn";

Error refusal(const ConvergeOnce& asked) {
  std::string why;
  if (!asked.was_heard) {
    why = "the server is away, and it gives the masters their turns";
  } else if (asked.outcome.answer.turn_waits_for.empty()) {
    why = "the server gave no turn; one before 0.3 gives none from here: muster node converge";
  } else {
    why = fmt::format(
        "this master waits for its turn: {}; it takes it by itself when it comes (`muster node show` tells, `muster node converge NAME --cancel` ends the order)",
        asked.outcome.answer.turn_waits_for);
  }
  return {ErrorKind::forbidden, fmt::format("{}; {}", why, way_round)};
}

}  // namespace

bool takes_turns(const Filesystem& files, const Checkpoint& checkpoint) {
  const auto settled = settled_document(files, checkpoint);
  return settled && is_control_plane(settled->document.role.role) &&
         settled->document.role.cluster.masters.size() > 1;
}

Result<Outcome> converge_now(bool asks_first,
                             const std::function<Result<ConvergeOnce>(Order)>& once) {
  if (asks_first) {
    const auto asked = once(Order::asks);
    if (!asked) return pass(asked.error());
    const bool is_done =
        asked->outcome.verdict == Verdict::converged && !asked->outcome.answer.converge;
    if (asked->outcome.ended || is_done) return asked->outcome;
    if (!asked->outcome.answer.converge) return pass(refusal(*asked));
  }
  auto done = once(Order::given);
  if (!done) return pass(done.error());
  return std::move(done->outcome);
}

}  // namespace muster
