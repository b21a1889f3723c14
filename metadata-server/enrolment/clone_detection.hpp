// One identity on two machines: seen from the reports, and from a key that was renewed away. A boot
// that another boot of the same key superseded is over; a boot id never comes back. When it reports
// again from after that moment, two machines are running. Pure.
#pragma once

#include <optional>
#include <string>

#include "document/report.hpp"
#include "enrolment/machine.hpp"

namespace muster {

// Notes the report in `record.boots`. A reason: two machines hold this identity key; the caller
// freezes. Reports that were spooled during an earlier boot and arrive late are recognised (they
// were sent before the present boot's first report), as are repeated ones. Idempotent.
[[nodiscard]] std::optional<std::string> observe_report(MachineRecord& record,
                                                        const Report& report);

// A key that has the name no more, `old`, calls; its certificate is the site's. A machine that
// renewed goes on with its new key alone: where the key's end was a renewal, and no enrolment or
// operator's word, another machine renewed. Notes the key as the record's claimant, and says so.
[[nodiscard]] std::optional<std::string> observe_old_key(MachineRecord& record,
                                                         const IssuedIdentity& old);

}  // namespace muster
