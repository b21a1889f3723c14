// All listeners of a server, and the TLS certificate that they show.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/listener.hpp"
#include "http/metrics.hpp"
#include "pki/certificate.hpp"

namespace muster {

class ServerListeners {
 public:
  // A new certificate, valid at `now`, for a listener of that kind.
  using IssueTls = std::function<Result<TlsServerSettings>(ListenerKind kind, TimePoint now)>;
  // All outlive it.
  ServerListeners(Service& service, Metrics& metrics, IssueTls issue)
      : service_(service), metrics_(metrics), issue_(std::move(issue)) {}

  [[nodiscard]] Result<void> open(const std::vector<ListenerSettings>& wanted, TimePoint now);
  // Issues the certificates anew where they are not valid at `now` (the clock was set), or half of
  // their time is over; else a no-op. Not thread-safe: for one task.
  [[nodiscard]] Result<void> keep_certificates_valid(TimePoint now);
  // unavailable: an event thread of that listener has not come round for a while. Ask about once a
  // second.
  [[nodiscard]] Result<void> check_alive() const;
  void stop(std::chrono::milliseconds grace);  // Listener::stop of each
  // "boot 0.0.0.0:8080, enrol ..., ": for people.
  [[nodiscard]] std::string describe() const;

 private:
  [[nodiscard]] Result<SslContext> issue(const ListenerSettings& settings, TimePoint now);

  Service& service_;
  Metrics& metrics_;
  const IssueTls issue_;
  // Of the certificates that were issued last.
  TimePoint not_before_{}, renew_at_ = TimePoint::max();
  std::vector<std::unique_ptr<Listener>> listeners_;
};

}  // namespace muster
