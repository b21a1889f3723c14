// One listener: an event front of epoll threads with its own limits, deadlines and workers, so that
// what happens on one cannot starve another (facts: README.md, "Event front").
#pragma once

#include <memory>
#include <string>

#include "http/listener_counters.hpp"
#include "http/listener_settings.hpp"
#include "http/service.hpp"
#include "pki/tls_settings.hpp"
#include "result/result.hpp"

namespace muster {

class Listener {
 public:
  // Binds and starts to serve. `service` outlives the listener; `tls` is needed where settings.tls.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(ListenerSettings settings,
                                                              Service& service,
                                                              SslContext tls = {});
  ~Listener();  // stop(0)
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // For connections accepted from now on. Thread-safe.
  void set_tls(SslContext context);
  // Accepts no more, lets requests in progress finish for `grace`, returns when all is quiet.
  // Idempotent.
  void stop(std::chrono::milliseconds grace);
  // How long the slowest of its event threads has not come round: a moment, where all is well. For
  // a watchdog that asks about once a second; wakes them.
  [[nodiscard]] std::chrono::milliseconds stalled();
  [[nodiscard]] std::string address() const;  // as bound, "127.0.0.1:40123"
  [[nodiscard]] const ListenerSettings& settings() const;
  [[nodiscard]] const ListenerCounters& counters() const;

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster
