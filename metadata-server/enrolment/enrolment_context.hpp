// What every decision of this room needs, passed in: no decision reads a clock or a global of its
// own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "enrolment/aws_instance_identity.hpp"
#include "enrolment/enrolment_inventory.hpp"
#include "enrolment/nonces.hpp"
#include "enrolment/refusal_log.hpp"
#include "pki/unix_seconds.hpp"
#include "records/audit_counts.hpp"
#include "store/store.hpp"
#include "trust/stored_authority.hpp"

namespace muster {

class Publisher;

struct EnrolmentLimits {
  std::size_t pending = 256;            // machines that wait for an operator
  std::size_t pending_per_source = 64;  // of them from one address
  std::chrono::seconds pending_lifetime = std::chrono::hours(1);  // since it last asked
  std::chrono::seconds identity_lifetime = std::chrono::hours(72);
  std::chrono::seconds recovery_window =
      std::chrono::hours(24 * 400);  // after a certificate expired
  std::chrono::seconds operator_lifetime = std::chrono::hours(24 * 90);
};

struct EnrolmentContext {
  Store& store;
  const StoredAuthority& machines;  // issues the identities of machines and operators
  Nonces& nonces;
  RefusalLog& refusals;
  AuditCounts& counts;  // rows of what is refused
  std::function<std::shared_ptr<const EnrolmentInventory>()> inventory;
  std::function<TimePoint()> now;
  EnrolmentLimits limits;
  Publisher* publisher = nullptr;       // brings pools' members their documents; none: nobody waits
  std::vector<AwsRegion> regions = {};  // whose instance identity documents are verified
  // The earliest that it can be where `now` is in doubt (fleet/site_clock): a name is not free
  // before. None: `now`.
  std::function<TimePoint()> earliest_now = {};
  // The latest that it can be: nothing that is ordered or admitted in doubt ends before its time.
  // None: `now`.
  std::function<TimePoint()> latest_now = {};
  // Whether a machine of that cluster may be let in, as far as backups go. None: it may.
  std::function<Result<bool>(const std::string& cluster)> is_backed_up = {};
};
[[nodiscard]] inline TimePoint earliest_now(const EnrolmentContext& context) {
  return context.earliest_now ? context.earliest_now() : context.now();
}
[[nodiscard]] inline TimePoint latest_now(const EnrolmentContext& context) {
  return context.latest_now ? context.latest_now() : context.now();
}
// As it is by what the store holds by now: a view may be a moment behind what others committed.
[[nodiscard]] Result<std::shared_ptr<const EnrolmentInventory>> inventory_of_now(
    const EnrolmentContext& context);
// For what a person makes that lasts for a time: counted from a clock that is ahead it would last
// as much longer. conflict, code clock_in_doubt, where it is ahead and in doubt; `what` is told.
[[nodiscard]] Result<void> check_clock(const EnrolmentContext& context, const std::string& what);

}  // namespace muster
