// systemd-journald's files, by sd-journal(3). Reads only; needs the right to read
// /{run,var}/log/journal, which root has. Thread-safe.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

class SystemdJournal final : public Journal {
 public:
  [[nodiscard]] Result<std::vector<std::string>> tail(const std::string& unit,
                                                      const std::string& boot_id) const override;
};

}  // namespace muster
