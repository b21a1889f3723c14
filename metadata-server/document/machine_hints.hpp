// What the machine says of itself when it enrols: hints to match on, never an authority.
#pragma once

#include <string>
#include <vector>

namespace muster {

struct MachineHints {
  std::vector<std::string> macs;
  std::string uuid, serial, hostname, machine_id, boot_id;
};

}  // namespace muster
