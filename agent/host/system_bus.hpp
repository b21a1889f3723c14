// One connection to systemd: the system bus, or systemd's own socket where there is no bus within 3
// s. Opened at the first call, opened anew after it broke. Not thread-safe.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "result/result.hpp"

namespace muster {

class SystemBus {
 public:
  [[nodiscard]] Result<sd_bus*> connect();
  void drop() { bus_.reset(); }
  // `work(bus)`, and once more on another connection where this one broke (ECONNRESET, ENOTCONN):
  // dbus or systemd started anew. What is asked for must bear being asked for twice.
  template <class Work>
  auto with(Work work) -> decltype(work(static_cast<sd_bus*>(nullptr))) {
    for (bool is_again = false;; is_again = true) {
      auto bus = connect();
      if (!bus) return tl::unexpected(bus.error());
      auto done = work(*bus);
      const bool is_open = sd_bus_is_open(*bus) > 0;
      if (!is_open) drop();
      if (done || is_open || is_again) return done;
      // systemd takes its name on a new bus some time after the bus is there.
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
  }

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
