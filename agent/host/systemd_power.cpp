#include "agent/host/systemd_power.hpp"

namespace muster {
namespace {

// Somebody's shutdown is under way, and those who are waited for have their time. Everything else
// means that logind cannot: that it is not there has many names, by how it is not.
bool is_under_way(const sd_bus_error& error) {
  return sd_bus_error_has_name(&error, "org.freedesktop.login1.OperationInProgress") > 0;
}

}  // namespace

Result<void> SystemdPower::reboot() {
  return go("Reboot", "reboot.target", "rebooting");
}

Result<void> SystemdPower::power_off() {
  return go("PowerOff", "poweroff.target", "switching off");
}

Result<void> SystemdPower::go(const char* method, const char* target, std::string_view what) {
  auto bus = bus_.connect();
  if (!bus) return pass(bus.error());
  constexpr int is_interactive = 0;
  BusError refused;
  const int asked = sd_bus_call_method(*bus, "org.freedesktop.login1", "/org/freedesktop/login1",
                                       "org.freedesktop.login1.Manager", method, &refused.value,
                                       nullptr, "b", is_interactive);
  if (asked >= 0) return {};
  if (is_under_way(refused.value)) {
    return fail(ErrorKind::io, fmt::format("logind: {}: {}", what, refused.text(asked)));
  }
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
