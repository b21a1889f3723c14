#include "http/server_listeners.hpp"

#include <spdlog/spdlog.h>

#include "document/time_text.hpp"

namespace muster {

namespace {
// Half of what the service manager waits for: a machine that swaps is slow, not dead.
constexpr std::chrono::seconds longest_turn{15};
}  // namespace

Result<SslContext> ServerListeners::issue(const ListenerSettings& settings, TimePoint now) {
  const auto tls = issue_(settings.kind, now);
  if (!tls) return pass(tls.error());
  const auto certificate = Certificate::from_pem(tls->certificate_pem);
  if (!certificate) return pass(certificate.error());
  auto made = make_server_context(*tls);
  if (!made) return made;
  not_before_ = certificate->not_before();
  renew_at_ = not_before_ + (certificate->not_after() - not_before_) / 2;
  return made;
}

Result<void> ServerListeners::open(const std::vector<ListenerSettings>& wanted, TimePoint now) {
  for (const ListenerSettings& settings : wanted) {
    SslContext tls;
    if (settings.tls) {
      auto made = issue(settings, now);
      if (!made) return pass(made.error());
      tls = std::move(*made);
    }
    auto opened = Listener::open(settings, service_, std::move(tls));
    if (!opened) return pass(opened.error());
    metrics_.watch(settings.kind, (*opened)->counters());
    listeners_.push_back(std::move(*opened));
  }
  return {};
}

Result<void> ServerListeners::keep_certificates_valid(TimePoint now) {
  if (now >= not_before_ && now < renew_at_) return {};
  const std::string was_from = utc_text(not_before_);
  for (const auto& listener : listeners_) {
    if (!listener->settings().tls) continue;
    auto tls = issue(listener->settings(), now);
    if (!tls) {
      renew_at_ = TimePoint::min();  // the others are new already; all are tried again
      return pass(tls.error());
    }
    listener->set_tls(std::move(*tls));
  }
  spdlog::info("the listeners show a new certificate, valid from {}; the last one was from {}",
               utc_text(not_before_), was_from);
  return {};
}

Result<void> ServerListeners::check_alive() const {
  for (const auto& listener : listeners_) {
    const auto stalled = listener->stalled();
    if (stalled <= longest_turn) continue;
    return fail(ErrorKind::unavailable,
                fmt::format("{} listener: an event thread has not come round for {} s",
                            name(listener->settings().kind), stalled.count() / 1000));
  }
  return {};
}

void ServerListeners::stop(std::chrono::milliseconds grace) {
  for (const auto& listener : listeners_) listener->stop(grace);
}

std::string ServerListeners::describe() const {
  std::string text;
  for (const auto& listener : listeners_)
    text += fmt::format("{} {}, ", name(listener->settings().kind), listener->address());
  return text;
}

}  // namespace muster
