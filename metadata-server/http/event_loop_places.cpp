// The half of an event loop that is about fairness: who has a place, who gives way, and whose
// handshake goes on.
#include <algorithm>

#include "enrolment/source_network.hpp"
#include "http/event_loop.hpp"

namespace muster {
namespace {

constexpr int most_looks = 256;  // at connections that might give way

}  // namespace

SourceTable::Entry EventLoop::enter(const std::string& address) {
  const auto entry = sources_.enter(address);
  if (entry != SourceTable::Entry::full) return entry;
  const auto gives_way = who_gives_way_to(address);
  // Nobody of this thread's. The greedy are refused until those beyond the total are paid back.
  if (!gives_way && !sources_.greedier_than(address).empty())
    return sources_.enter(address, SourceTable::Place::beyond);
  if (!gives_way) return entry;
  const auto entered = sources_.enter(address, SourceTable::Place::anothers);
  if (entered == SourceTable::Entry::taken) give_up(*gives_way);
  return entered;
}

// Where all places are taken, a network that holds more than the newcomer's gives one up. Each
// thread looks at its own connections: the kernel spreads those of one network over all of them.
std::optional<std::uint64_t> EventLoop::who_gives_way_to(const std::string& address) {
  int looks = 0;
  const auto now = Clock::now();
  for (const auto& network : sources_.greedier_than(address)) {
    const auto held = networks_.find(network);
    if (held == networks_.end()) continue;
    for (const std::uint64_t id : held->second) {
      if (++looks > most_looks) return std::nullopt;
      if (connections_.at(id).connection->may_give_way(now)) return id;
    }
  }
  if (sources_.holds_any(address)) return std::nullopt;
  return who_is_silent(now);
}

// As many networks as there are places: for one that has none, the oldest goes that asks nothing.
std::optional<std::uint64_t> EventLoop::who_is_silent(Clock::time_point now) {
  // By deadline: those that have asked nothing are among the first.
  const auto looked_at =
      std::next(timers_.begin(), std::min<std::ptrdiff_t>(most_looks, std::ssize(timers_)));
  const auto silent = std::find_if(timers_.begin(), looked_at, [&](const auto& timer) {
    return connections_.at(timer.second).connection->is_silent(now);
  });
  if (silent == looked_at) return std::nullopt;
  return silent->second;
}

void EventLoop::give_up(std::uint64_t id) {
  ++counters_.gave_way;
  connections_.at(id).connection->drop_unsent();
  remove(id);
}

// Networks have their turn, and of each its addresses; those of which no certificate came are
// strangers.
void EventLoop::await_turn(std::uint64_t id) {
  Entry& entry = connections_.at(id);
  const std::string network = network_of(entry.address);
  Work work;
  work.id = id;
  work.share = {!homes_.is_home(network), network, source_of(entry.address)};
  work.run = [this, id] { take_turn(id); };
  work.give_way = [this, id] { give_up(id); };
  entry.waits = work.share;
  // There is a place for each connection that the listener has.
  const auto left = handshakes_.push(std::move(work));
  serve(id, entry.connection->await_turn());
  if (left) left->give_way();
}

void EventLoop::take_turn(std::uint64_t id) {
  Entry& entry = connections_.at(id);
  entry.waits.reset();
  const auto want = entry.connection->take_turn();
  if (!entry.connection->is_shaking_hands()) note_identity(id);
  serve(id, want);
}

void EventLoop::note_identity(std::uint64_t id) {
  Entry& entry = connections_.at(id);
  const std::string& identity = entry.connection->identity();
  if (identity.empty()) return;
  homes_.came_from(identity, network_of(entry.address));
  auto& own = identities_[identity];
  own.insert(id);
  const std::size_t most = entry.connection->is_of_person() ? settings_.connections_per_operator
                                                            : settings_.connections_per_machine;
  if (own.size() <= most) return;
  const auto now = Clock::now();
  // Its own: a machine whose line breaks again and again leaves many behind, and is let in.
  const auto gives_way = [&](auto may) {
    return std::find_if(own.begin(), own.end(), [&](std::uint64_t other) {
      return other != id && may(*connections_.at(other).connection);
    });
  };
  auto found = gives_way([&](const Connection& c) { return c.is_idle() || c.is_silent(now); });
  if (found == own.end())
    found = gives_way([&](const Connection& c) { return c.may_give_way(now); });
  if (found != own.end()) return give_up(*found);
  entry.connection->refuse_requests();
}

// One, or as many as fit into the time that was spent on those who are in: a flood of handshakes
// takes half of a thread from them, and they take no more from it.
void EventLoop::shake_hands(Clock::duration spent) {
  const auto until = Clock::now() + spent;
  while (const auto next = handshakes_.pop()) {
    next->run();
    if (Clock::now() >= until) return;
  }
}

}  // namespace muster
