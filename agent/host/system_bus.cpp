#include "agent/host/system_bus.hpp"

#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

namespace muster {
namespace {

constexpr const char* bus_socket = "/run/dbus/system_bus_socket";

// Early in a boot the bus is not there yet. systemd's own socket is, and is the second choice: each
// of its clients gets every signal about every unit, hundreds during a boot.
void await_system_bus() {
  for (int tries = 0; tries < 300 && access(bus_socket, F_OK) != 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Result<sd_bus*> connect_private() {
  sd_bus* bus = nullptr;
  if (const int made = sd_bus_new(&bus); made < 0) return fail_errno(-made, "making a bus");
  int result = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
  if (result >= 0) result = sd_bus_start(bus);
  if (result < 0) {
    sd_bus_unref(bus);
    return fail_errno(
        -result,
        "connecting to systemd: neither the system bus nor /run/systemd/private answers; the agent needs systemd as PID 1 and root");
  }
  return bus;
}

}  // namespace

std::string BusError::text(int result) const {
  if (value.message != nullptr) return value.message;
  return std::strerror(-result);
}

Result<sd_bus*> SystemBus::connect() {
  if (bus_ && sd_bus_is_open(bus_.get()) > 0) return bus_.get();
  bus_.reset();
  await_system_bus();
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0) {
    auto opened = connect_private();
    if (!opened) return opened;
    bus = *opened;
  }
  bus_.reset(bus);
  sd_bus_set_method_call_timeout(bus, 20'000'000);
  return bus;
}

}  // namespace muster
