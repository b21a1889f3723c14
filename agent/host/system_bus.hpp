// One connection to systemd: the system bus, or systemd's own socket where there is no bus within 3
// s. Opened at the first call, opened anew after it broke. Not thread-safe.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <memory>
#include <string>

#include "result/result.hpp"

namespace muster {

class SystemBus {
 public:
  [[nodiscard]] Result<sd_bus*> connect();
  void drop() { bus_.reset(); }

 private:
  struct Close {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  };
  std::unique_ptr<sd_bus, Close> bus_;
};

// Frees what a failed call left in it.
struct BusError {
  sd_bus_error value = {};  // SD_BUS_ERROR_NULL, which is a compound literal of C
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&value); }
  [[nodiscard]] std::string text(int result) const;
};

struct BusMessage {
  sd_bus_message* value = nullptr;
  BusMessage() = default;
  BusMessage(const BusMessage&) = delete;
  BusMessage& operator=(const BusMessage&) = delete;
  ~BusMessage() { sd_bus_message_unref(value); }
};

}  // namespace muster
