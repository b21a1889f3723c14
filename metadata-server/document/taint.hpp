// A Kubernetes taint, as documents and peer lists carry it.
#pragma once

#include <string>

namespace muster {

struct Taint {
  std::string key, value, effect;  // effect: NoSchedule | PreferNoSchedule | NoExecute
};

}  // namespace muster
