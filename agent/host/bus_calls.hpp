// Method calls to systemd that travel together: while a machine boots, one round trip through the
// bus costs milliseconds, and a converge asks for dozens of values. Not thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>

#include "agent/host/system_bus.hpp"

namespace muster {

class BusCalls {
 public:
  // Gets the reply, or what was wrong in words ("" and no reply never).
  using OnReply = std::function<void(sd_bus_message* reply, const std::string& error)>;

  explicit BusCalls(sd_bus* bus) : bus_(bus) {}

  // Sends a call of org.freedesktop.systemd1 whose arguments are all strings. `on_reply` is called
  // from `wait`, or here when the call cannot be sent.
  void call(const std::string& path, const char* interface, const char* method,
            std::initializer_list<std::string> arguments, OnReply on_reply);
  // Until every call was answered. An error is the connection's: it is to be dropped then, and some
  // calls stay without an answer.
  [[nodiscard]] Result<void> wait();

 private:
  struct Pending {
    OnReply on_reply;
    bool answered = false;
    std::unique_ptr<sd_bus_slot, sd_bus_slot* (*)(sd_bus_slot*)> slot{nullptr, sd_bus_slot_unref};
  };
  static int on_message(sd_bus_message* reply, void* pending, sd_bus_error*);

  sd_bus* bus_;
  std::deque<Pending> pending_;  // stays in place while it grows: sd-bus holds pointers
};

}  // namespace muster
