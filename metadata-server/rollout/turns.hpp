// The masters' turns in the store. Each call is one transaction, guarded by the record, with its
// audit rows; a grant is durable before anybody hears of it. Thread-safe. `now`: Unix seconds.
#pragma once

#include <string>
#include <vector>

#include "pki/certificate.hpp"
#include "rollout/turn_decision.hpp"
#include "store/store.hpp"

namespace muster {

// Empty where nothing is ordered.
[[nodiscard]] Result<TurnRecord> find_turns(const Store& store, const std::string& cluster);

// `muster node converge` of a master: it waits, or has the turn at once. Ordered again by the one
// that holds it, it is told again. Answers what its turn waits for; empty: it has it.
[[nodiscard]] Result<std::string> order_turn(Store& store, const std::string& cluster,
                                             const TurnOrder& order,
                                             const std::vector<MasterState>& masters,
                                             TimePoint now);

// A master reported, and `masters` has that report: whether the answer gives it the turn.
[[nodiscard]] Result<bool> tell_turn(Store& store, const std::string& cluster,
                                     const std::string& node,
                                     const std::vector<MasterState>& masters, TimePoint now);

// An operator takes order or grant back. What runs already is not stopped. not_found: neither is
// there.
[[nodiscard]] Result<void> cancel_turn(Store& store, const std::string& cluster,
                                       const std::string& node, const std::string& by,
                                       const std::vector<MasterState>& masters, TimePoint now);

// A record of turns that cannot be read is forgotten, with an audit row; false: it is sound or
// none.
[[nodiscard]] Result<bool> discard_unread_turns(Store& store, const std::string& cluster,
                                                const std::string& by, TimePoint now);

}  // namespace muster
