#include "agent/host/systemd_power.hpp"

namespace muster {

Result<void> SystemdPower::reboot() {
  return start("reboot.target", "rebooting");
}

Result<void> SystemdPower::power_off() {
  return start("poweroff.target", "switching off");
}

Result<void> SystemdPower::start(const char* target, std::string_view what) {
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  BusError error;
  const int result =
      sd_bus_call_method(*bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                         "org.freedesktop.systemd1.Manager", "StartUnit", &error.value, nullptr,
                         "ss", target, "replace-irreversibly");
  if (result < 0) {
    return fail(ErrorKind::io, fmt::format("systemd: {}: {}", what, error.text(result)));
  }
  return {};
}

}  // namespace muster
