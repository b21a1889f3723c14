#include "http/event_loop.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "enrolment/source_network.hpp"
#include "http/listening_socket.hpp"

namespace muster {
namespace {

constexpr std::uint64_t listening_id = 0;
constexpr std::uint64_t event_id = 1;
constexpr std::uint64_t first_connection_id = 2;
constexpr std::chrono::milliseconds accept_pause{100};

std::uint32_t interest_of(Connection::Want want) {
  switch (want) {
    case Connection::Want::read:
      return EPOLLIN;
    case Connection::Want::write:
      return EPOLLOUT;
    // Nothing more until it is answered, but whoever is gone has no turn.
    case Connection::Want::turn:
      return EPOLLRDHUP;
    default:
      return 0;
  }
}

}  // namespace

EventLoop::EventLoop(const ListenerSettings& settings, int listening, Service& service,
                     WorkerPool& pool, WorkerPool& operators_pool, SourceTable& sources,
                     HomeNetworks& homes, ListenerCounters& counters, TlsSlot& tls)
    : settings_(settings),
      listening_(listening),
      sources_(sources),
      homes_(homes),
      counters_(counters),
      tls_(tls),
      around_{settings,
              service,
              pool,
              operators_pool,
              counters,
              [this](std::uint64_t id, WireAnswer answer) {
                {
                  const std::lock_guard lock(mutex_);
                  completed_.emplace_back(id, std::move(answer));
                }
                wake();
              },
              stopping_},
      handshakes_(settings.connections),
      next_id_(first_connection_id) {}

EventLoop::~EventLoop() = default;

Result<void> EventLoop::start() {
  epoll_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
  event_ = FileDescriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!epoll_.is_open() || !event_.is_open()) return fail_errno(errno, "creating an event loop");
  struct epoll_event event {};
  event.events = EPOLLIN;
  event.data.u64 = event_id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &event) != 0) {
    return fail_errno(errno, "watching an event loop's wake-up");
  }
  turned_at_ = Clock::now().time_since_epoch().count();
  thread_ = std::thread([this] { run(); });
  return {};
}

Clock::duration EventLoop::stalled() {
  const auto since = Clock::now() - Clock::time_point(Clock::duration(turned_at_));
  wake();
  return since;
}

void EventLoop::stop(Clock::time_point until) {
  stop_by_ = until.time_since_epoch().count();
  stopping_ = true;
  wake();
}

void EventLoop::join() {
  if (thread_.joinable()) thread_.join();
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  // A full counter means that a wake-up is already on its way.
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
}

void EventLoop::run() {
  std::array<struct epoll_event, 128> events;
  while (!stopping_ || !connections_.empty()) {
    const auto now = Clock::now();
    turned_at_ = now.time_since_epoch().count();
    if (!accepting_ && !stopping_ && now >= accept_again_) {
      struct epoll_event event {};
      event.events = EPOLLIN | EPOLLEXCLUSIVE;
      event.data.u64 = listening_id;
      accepting_ = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listening_, &event) == 0;
    }
    const int count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_time());
    const auto woke = Clock::now();
    for (int i = 0; i < count; ++i) {
      // A copy: the kernel's struct is packed, so no reference may bind to its member.
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
      if (id == listening_id) {
        accept_some();
      } else if (id == event_id) {
        take_completed();
      } else if (const auto found = connections_.find(id); found != connections_.end()) {
        // Nothing was asked for, so this is the other side's disappearance.
        const bool gone = (found->second.interest & (EPOLLIN | EPOLLOUT)) == 0;
        if (!gone && found->second.connection->is_shaking_hands()) {
          await_turn(id);
        } else {
          serve(id, gone ? Connection::Want::close : found->second.connection->advance());
        }
      }
    }
    run_ready();
    shake_hands(Clock::now() - woke);
    pass_deadlines();
    if (stopping_) wind_down();
  }
}

int EventLoop::wait_time() {
  if (!ready_.empty() || !handshakes_.empty()) return 0;
  auto next = Clock::time_point::max();
  if (!timers_.empty()) next = timers_.begin()->first;
  if (!accepting_ && !stopping_) next = std::min(next, accept_again_);
  if (stopping_) next = std::min(next, Clock::time_point(Clock::duration(stop_by_)));
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left, 0, 60000));
}

// Few at once: the threads share a burst. A place costs little where a handshake has its turn.
void EventLoop::accept_some() {
  const int most = settings_.tls ? 8 : 1;
  for (int i = 0; i < most && accept_one(); ++i) continue;
}

bool EventLoop::accept_one() {
  Accepted accepted = accept_connection(listening_);
  switch (accepted.state) {
    case Accepted::State::accepted:
      add(std::move(accepted));
      return true;
    case Accepted::State::retry:
      return true;
    case Accepted::State::none:
      return false;
    case Accepted::State::exhausted:
    case Accepted::State::broken:
      spdlog::warn("{} listener: no connection can be accepted: {}; trying again in {} ms",
                   name(settings_.kind),
                   accepted.state == Accepted::State::broken ? "the socket is broken"
                                                             : "out of descriptors or memory",
                   accept_pause.count());
      pause_accepting();
      return false;
  }
  return false;
}

void EventLoop::pause_accepting() {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listening_, nullptr);
  accepting_ = false;
  accept_again_ = Clock::now() + accept_pause;
}

void EventLoop::add(Accepted accepted) {
  switch (enter(accepted.address)) {
    case SourceTable::Entry::source_full:
      ++counters_.source_full;
      return;
    case SourceTable::Entry::full:
      ++counters_.full;
      return;
    case SourceTable::Entry::taken:
      break;
  }
  auto transport = settings_.tls ? make_tls_transport(std::move(accepted.socket), tls_.get())
                                 : make_plain_transport(std::move(accepted.socket));
  if (!transport) return sources_.leave(accepted.address);
  ++counters_.accepted;
  ++counters_.open;
  const std::uint64_t id = next_id_++;
  Entry entry;
  entry.address = accepted.address;
  networks_[network_of(entry.address)].insert(id);
  Peer peer;
  peer.listener = settings_.kind;
  peer.address = std::move(accepted.address);
  peer.user = accepted.user;
  peer.groups = std::move(accepted.groups);
  entry.connection =
      std::make_unique<Connection>(std::move(transport), std::move(peer), around_, id);
  struct epoll_event event {};
  event.data.u64 = id;
  const bool watched =
      epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, entry.connection->socket(), &event) == 0;
  Connection& connection = *entry.connection;
  connections_.emplace(id, std::move(entry));
  // Of TLS the other side speaks first, and that has its turn.
  const auto first = settings_.tls ? Connection::Want::read : connection.advance();
  serve(id, watched ? first : Connection::Want::close);
}

void EventLoop::serve(std::uint64_t id, Connection::Want want) {
  if (want == Connection::Want::close) return remove(id);
  Entry& entry = connections_.at(id);
  if (want == Connection::Want::again) ready_.push_back(id);
  const std::uint32_t interest = interest_of(want);
  if (interest != entry.interest) {
    struct epoll_event event {};
    event.events = interest;
    event.data.u64 = id;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, entry.connection->socket(), &event) != 0)
      return remove(id);
    entry.interest = interest;
  }
  if (entry.timer == entry.connection->deadline()) return;
  timers_.erase({entry.timer, id});
  entry.timer = entry.connection->deadline();
  timers_.emplace(entry.timer, id);
}

void EventLoop::remove(std::uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  timers_.erase({found->second.timer, id});
  if (found->second.waits) handshakes_.take_back(*found->second.waits, id);
  const std::string& address = found->second.address;
  sources_.leave(address);
  const auto network = networks_.find(network_of(address));
  network->second.erase(id);
  if (network->second.empty()) networks_.erase(network);
  const auto identity = identities_.find(found->second.connection->identity());
  if (identity != identities_.end()) {
    identity->second.erase(id);
    if (identity->second.empty()) identities_.erase(identity);
  }
  --counters_.open;
  connections_.erase(found);
}

void EventLoop::take_completed() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read_bytes = ::read(event_.get(), &count, sizeof count);
  std::vector<std::pair<std::uint64_t, WireAnswer>> completed;
  {
    const std::lock_guard lock(mutex_);
    completed.swap(completed_);
  }
  for (auto& [id, answer] : completed) {
    const auto found = connections_.find(id);
    if (found != connections_.end())
      serve(id, found->second.connection->deliver(std::move(answer)));
  }
}

void EventLoop::run_ready() {
  std::vector<std::uint64_t> ready;
  ready.swap(ready_);
  for (const std::uint64_t id : ready) {
    const auto found = connections_.find(id);
    if (found != connections_.end()) serve(id, found->second.connection->advance());
  }
}

void EventLoop::pass_deadlines() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::uint64_t id = timers_.begin()->second;
    const Connection& connection = *connections_.at(id).connection;
    if (!connection.is_idle()) ++counters_.deadline_passed;
    connection.drop_unsent();
    remove(id);
  }
}

void EventLoop::wind_down() {
  if (accepting_) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listening_, nullptr);
    accepting_ = false;
  }
  const bool over = Clock::now() >= Clock::time_point(Clock::duration(stop_by_));
  std::vector<std::uint64_t> leaving;
  for (const auto& [id, entry] : connections_) {
    if (over || entry.connection->is_idle()) leaving.push_back(id);
  }
  for (const std::uint64_t id : leaving) remove(id);
}

}  // namespace muster
