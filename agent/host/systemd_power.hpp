// Power by systemd. Not thread-safe.
#pragma once

#include "agent/host/host.hpp"
#include "agent/host/system_bus.hpp"

namespace muster {

class SystemdPower final : public Power {
 public:
  // Starts reboot.target; returns once systemd took the order.
  [[nodiscard]] Result<void> reboot() override;
  // Likewise poweroff.target.
  [[nodiscard]] Result<void> power_off() override;

 private:
  [[nodiscard]] Result<void> start(const char* target, std::string_view what);
  SystemBus bus_;
};

}  // namespace muster
