#include "http/listener.hpp"

#include <algorithm>
#include <vector>

#include "http/event_loop.hpp"
#include "http/listening_socket.hpp"

namespace muster {

struct Listener::Impl {
  explicit Impl(ListenerSettings given)
      : settings(std::move(given)),
        sources(settings.connections, settings.connections_per_source) {}

  const ListenerSettings settings;
  FileDescriptor socket;
  std::string address;
  ListenerCounters counters;
  SourceTable sources;
  HomeNetworks homes;
  TlsSlot tls;
  // Loops outlive the pool: its last jobs hand their answers to them.
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::unique_ptr<WorkerPool> pool, operators_pool;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() {
  stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<Listener>> Listener::open(ListenerSettings settings, Service& service,
                                                 SslContext tls) {
  if (settings.tls && !tls)
    return fail(ErrorKind::internal, "a TLS listener was opened without TLS settings");
  auto impl = std::make_unique<Impl>(std::move(settings));
  auto socket = open_listening_socket(impl->settings);
  if (!socket)
    return while_doing(socket.error(), fmt::format("{} listener", name(impl->settings.kind)));
  impl->socket = std::move(*socket);
  impl->address = bound_address(impl->socket);
  impl->tls.set(std::move(tls));
  impl->pool = std::make_unique<WorkerPool>(impl->settings.workers, impl->settings.queued_requests);
  if (impl->settings.operator_workers > 0) {
    impl->operators_pool = std::make_unique<WorkerPool>(impl->settings.operator_workers,
                                                        impl->settings.queued_requests);
  }
  std::unique_ptr<Listener> listener(new Listener(std::move(impl)));
  Impl& made = *listener->impl_;
  WorkerPool& for_people = made.operators_pool ? *made.operators_pool : *made.pool;
  for (unsigned i = 0; i < made.settings.event_threads; ++i) {
    made.loops.push_back(std::make_unique<EventLoop>(made.settings, made.socket.get(), service,
                                                     *made.pool, for_people, made.sources,
                                                     made.homes, made.counters, made.tls));
    if (auto started = made.loops.back()->start(); !started) return pass(started.error());
  }
  return listener;
}

void Listener::set_tls(SslContext context) {
  impl_->tls.set(std::move(context));
}

void Listener::stop(std::chrono::milliseconds grace) {
  const auto until = Clock::now() + grace;
  for (const auto& loop : impl_->loops) loop->stop(until);
  for (const auto& loop : impl_->loops) loop->join();
  impl_->pool.reset();
  impl_->operators_pool.reset();
  if (impl_->settings.address.starts_with("unix:") && impl_->socket.is_open()) {
    unlink(impl_->settings.address.c_str() + 5);
  }
  impl_->socket = FileDescriptor();
}

std::chrono::milliseconds Listener::stalled() {
  Clock::duration longest{0};
  for (const auto& loop : impl_->loops) longest = std::max(longest, loop->stalled());
  return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
}

std::string Listener::address() const {
  return impl_->address;
}
const ListenerSettings& Listener::settings() const {
  return impl_->settings;
}
const ListenerCounters& Listener::counters() const {
  return impl_->counters;
}

}  // namespace muster
