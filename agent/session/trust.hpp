// The trust list on the machine: pinned, verified, cached. The clock is compared with the server's
// here, before any date is believed.
#pragma once

#include <optional>

#include "agent/run/failure.hpp"
#include "agent/run/run.hpp"
#include "document/trust_list.hpp"

namespace muster {

inline constexpr std::chrono::seconds maximum_clock_skew{30};

// The cached list, verified against the pin again. nullopt: none, or one that no longer verifies.
[[nodiscard]] std::optional<TrustList> cached_trust(Run& run);
// Asks the enrol servers without TLS trust; the pin decides. Verifies, caches. network when none
// answers, identity when the site key is another (never forbidden: nobody vouches for who says so),
// clock when the machine's clock is wrong.
[[nodiscard]] ConvergeResult<TrustList> first_contact(Run& run);
// The list as `server`, which `known` vouches for, has it now; caches a newer one. One that does
// not verify is not taken, and neither that nor, once a document has settled here, another clock
// than the machine's ends the session: they are told in `unwell`. unavailable and unauthenticated
// (TLS) stay distinguishable in the error's kind.
[[nodiscard]] ConvergeResult<TrustList> refresh_trust(Run& run, Server& server,
                                                      const TrustList& known,
                                                      std::vector<HealthProblem>& unwell);

}  // namespace muster
