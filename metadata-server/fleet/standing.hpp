// Where a machine stands with what is published for it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "enrolment/machine.hpp"
#include "fleet/machine_reports.hpp"

namespace muster {

enum class Standing {
  never_enrolled,  // nobody has its name yet, or its identity was taken away
  banned,
  reset,       // it said so itself, and nothing since
  silent,      // longer than silent_after() not heard of, or it said that it goes down
  failed,      // on what is published
  converging,  // on its way there: it may not even have fetched it
  pending,     // it has fetched it, and something of it waits for a reboot or its turn
  converged    // all of what is published is in effect, by the digest that it tells
};
// "never-enrolled", "pending-changes", ...
[[nodiscard]] std::string_view name(Standing standing);

// `published`: digest of the document that is served to it. `silence`: seconds.
[[nodiscard]] Standing standing_of(const HeardMachine& heard, const FoundMachine& machine,
                                   std::string_view published, std::int64_t silence);

// Of the document that is in force; 0: nobody tells, since the report's generation is that of the
// newest document, and what is in force is an older one.
[[nodiscard]] std::uint64_t generation_in_force(const Report& report);

// Seconds without a word after which a machine is silent: three polls as it was told to, or five
// minutes while it converges, when it reports by its steps.
[[nodiscard]] std::int64_t silent_after(const HeardMachine& heard);

}  // namespace muster
