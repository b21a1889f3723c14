// Power by logind, which waits for those who asked it to: kubelet ends its pods in that time. Where
// there is no logind, by systemd itself. Not thread-safe.
#pragma once

#include "agent/host/host.hpp"
#include "agent/host/system_bus.hpp"

namespace muster {

class SystemdPower final : public Power {
 public:
  // Returns once the order was taken; io: it was refused, or a shutdown is under way already.
  [[nodiscard]] Result<void> reboot() override;
  [[nodiscard]] Result<void> power_off() override;

 private:
  [[nodiscard]] Result<void> go(const char* method, const char* target, std::string_view what);
  SystemBus bus_;
};

}  // namespace muster
