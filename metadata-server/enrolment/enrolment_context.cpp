#include "enrolment/enrolment_context.hpp"

#include "document/time_text.hpp"

namespace muster {

Result<std::shared_ptr<const EnrolmentInventory>> inventory_of_now(
    const EnrolmentContext& context) {
  // A commit that changes nothing returns when the views have all before it.
  if (auto seen = context.store.commit({}); !seen) return pass(seen.error());
  return context.inventory();
}

Result<void> check_clock(const EnrolmentContext& context, const std::string& what) {
  // The two are read one after the other.
  constexpr std::chrono::seconds slack{5};
  const auto ahead =
      std::chrono::floor<std::chrono::seconds>(context.now() - earliest_now(context));
  if (ahead <= slack) return {};
  return fail(
      ErrorKind::conflict, "clock_in_doubt",
      fmt::format(
          "{}: the server's clock is {} ahead of what was expected, and in doubt: what is made now would last as much longer; put the clock right, or, if it is right now, run `muster clock confirm`; then try again",
          what, duration_text(ahead)));
}

}  // namespace muster
