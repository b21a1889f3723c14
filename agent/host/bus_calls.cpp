#include "agent/host/bus_calls.hpp"

#include <algorithm>

namespace muster {

int BusCalls::on_message(sd_bus_message* reply, void* data, sd_bus_error*) {
  auto& pending = *static_cast<Pending*>(data);
  pending.answered = true;
  if (sd_bus_message_is_method_error(reply, nullptr) == 0) {
    pending.on_reply(reply, {});
    return 0;
  }
  const sd_bus_error* error = sd_bus_message_get_error(reply);
  const bool has_text = error != nullptr && error->message != nullptr;
  pending.on_reply(nullptr, has_text ? error->message : "refused without a word");
  return 0;
}

void BusCalls::call(const std::string& path, const char* interface, const char* method,
                    std::initializer_list<std::string> arguments, OnReply on_reply) {
  BusMessage message;
  int result = sd_bus_message_new_method_call(bus_, &message.value, "org.freedesktop.systemd1",
                                              path.c_str(), interface, method);
  for (const auto& argument : arguments) {
    if (result >= 0) result = sd_bus_message_append(message.value, "s", argument.c_str());
  }
  Pending& pending = pending_.emplace_back();
  pending.on_reply = std::move(on_reply);
  sd_bus_slot* slot = nullptr;
  if (result >= 0) result = sd_bus_call_async(bus_, &slot, message.value, on_message, &pending, 0);
  pending.slot.reset(slot);
  if (result >= 0) return;
  pending.answered = true;
  pending.on_reply(nullptr, BusError().text(result));
}

Result<void> BusCalls::wait() {
  while (std::any_of(pending_.begin(), pending_.end(), [](const auto& p) { return !p.answered; })) {
    int result = sd_bus_process(bus_, nullptr);
    // Each call has the connection's timeout, so this ends.
    if (result == 0) result = sd_bus_wait(bus_, UINT64_MAX);
    if (result < 0) return fail_errno(-result, "waiting for systemd's answers");
  }
  return {};
}

}  // namespace muster
