// systemd over D-Bus (org.freedesktop.systemd1(5)). A unit is awaited by the result of its job,
// which is exact where polling ActiveState would guess. Not thread-safe.
#pragma once

#include "agent/host/host.hpp"
#include "agent/host/system_bus.hpp"

namespace muster {

class SystemdServiceManager final : public ServiceManager {
 public:
  [[nodiscard]] Result<std::map<std::string, UnitStatus>> statuses(
      const std::vector<std::string>& units) const override;
  [[nodiscard]] Result<void> start(const std::vector<std::string>& units,
                                   std::chrono::milliseconds deadline) override;
  [[nodiscard]] Result<void> restart(const std::vector<std::string>& units,
                                     std::chrono::milliseconds deadline) override;
  [[nodiscard]] Result<void> reload(const std::vector<std::string>& units,
                                    std::chrono::milliseconds deadline) override;
  [[nodiscard]] Result<void> stop(const std::vector<std::string>& units,
                                  std::chrono::milliseconds deadline) override;
  [[nodiscard]] Result<void> daemon_reload() override;
  [[nodiscard]] Result<std::map<std::string, std::int64_t>> boot_timestamps() const override;

 private:
  [[nodiscard]] Result<void> run_jobs(const char* method, const std::vector<std::string>& units,
                                      std::chrono::milliseconds deadline);
  mutable SystemBus bus_;
};

}  // namespace muster
