// One health probe of a monitored unit.
#pragma once

#include "agent/monitor/monitor.hpp"

namespace muster {

// kubelet: GET /healthz on its loopback port says 200. runtime: it lists its pods over the CRI. A
// subject with a URL: it says 200, or refuses the connection.
// Blocking, at most subject.probe_timeout; the error says what was wrong.
[[nodiscard]] Result<void> probe(const MonitorSubject& subject, Host& host);

}  // namespace muster
