// What a restricted operator may: clusters of its own, from templates that it is let use, so many
// at once. Its clusters are known by who created them; an index of their names, kind "usage", makes
// the cost its own clusters and not all there are.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "enrolment/caller.hpp"
#include "enrolment/operators.hpp"
#include "store/store.hpp"

namespace muster {

// Of a caller that is not restricted, always; else of one that created it. not_yours() for a
// cluster of somebody else and for one that is not there.
[[nodiscard]] Result<void> check_owns(const Store& store, const Caller& caller,
                                      const std::string& cluster);

// forbidden: what only operators without limits may.
[[nodiscard]] Error restricted(const Caller& caller);

struct ClusterClaim {
  std::string cluster;
  std::string template_name;   // of a new one; empty where it exists
  std::uint64_t machines = 0;  // that it is to have
};
// Takes the claim's place within the limits: adds to `transaction` what makes its commit fail with
// conflict when another of this operator's orders came first, so that two cannot both take the
// last place. Nothing for a caller that is not restricted. Refusals template_not_allowed and
// quota_exceeded, with the limit, what is in use and the cure.
[[nodiscard]] Result<void> claim_quota(const Store& store, const Caller& caller,
                                       const ClusterClaim& claim, Transaction& transaction);
// A cluster that was made at `created_at` may live until `expires_at` (Unix seconds). Error
// quota_exceeded.
[[nodiscard]] Result<void> check_lifetime(const Store& store, const Caller& caller,
                                          std::int64_t created_at, std::int64_t expires_at);

// The templates that it may use; nothing: every one.
[[nodiscard]] Result<std::optional<std::set<std::string>>> usable_templates(const Store& store,
                                                                            const Caller& caller);

}  // namespace muster
