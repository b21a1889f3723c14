#include "http/source_table.hpp"

#include "enrolment/source_network.hpp"

namespace muster {

bool SourceTable::has(Place place) const {
  constexpr std::size_t part_beyond = 16;
  if (place == Place::anothers) return true;
  return open_ < total_ + (place == Place::beyond ? total_ / part_beyond : 0);
}

SourceTable::Entry SourceTable::enter(const std::string& address, Place place) {
  const std::string source = source_of(address);
  const std::lock_guard lock(mutex_);
  const auto held = sources_.find(source);
  if (per_source_ > 0 && held != sources_.end() && held->second >= per_source_)
    return Entry::source_full;
  if (!has(place)) return Entry::full;
  ++sources_[source];
  ++open_;
  count_network(network_of(address), true);
  return Entry::taken;
}

void SourceTable::leave(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source_of(address));
  if (found == sources_.end()) return;
  --open_;
  if (--found->second == 0) sources_.erase(found);
  count_network(network_of(address), false);
}

void SourceTable::count_network(const std::string& network, bool enters) {
  std::size_t& count = networks_[network];
  by_count_.erase({count, network});
  count = enters ? count + 1 : count - 1;
  if (count > 0) {
    by_count_.emplace(count, network);
  } else {
    networks_.erase(network);
  }
}

std::size_t SourceTable::open() {
  const std::lock_guard lock(mutex_);
  return open_;
}

bool SourceTable::holds_any(const std::string& address) {
  const std::lock_guard lock(mutex_);
  return networks_.contains(network_of(address));
}

std::vector<std::string> SourceTable::greedier_than(const std::string& address) {
  constexpr std::size_t few = 16;
  const std::lock_guard lock(mutex_);
  const auto own = networks_.find(network_of(address));
  // By a quarter and one: else networks that are alike, each of them a rack that was switched on,
  // would only take each other's handshakes from each other.
  const std::size_t held = own == networks_.end() ? 0 : own->second;
  const std::size_t least = held + held / 4 + 2;
  std::vector<std::string> found;
  for (auto at = by_count_.rbegin(); at != by_count_.rend() && at->first >= least; ++at) {
    found.push_back(at->second);
    if (found.size() == few) break;
  }
  return found;
}

}  // namespace muster
