// One identity key on two machines: seen from the reports. A boot that another boot of the same key
// superseded is over; a boot id never comes back. When it reports again from after that moment, two
// machines are running. Pure.
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

}  // namespace muster
