#include "enrolment/enrolment_context.hpp"

namespace muster {

Result<std::shared_ptr<const EnrolmentInventory>> inventory_of_now(
    const EnrolmentContext& context) {
  // A commit that changes nothing returns when the views have all before it.
  if (auto seen = context.store.commit({}); !seen) return pass(seen.error());
  return context.inventory();
}

}  // namespace muster
