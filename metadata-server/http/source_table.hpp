// How many connections each source and each network holds, across the event threads of one
// listener. Thread-safe.
#pragma once

#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace muster {

class SourceTable {
 public:
  enum class Entry { taken, source_full, full };
  // One that is free; that of one who leaves next (what it left first, anybody could take); or one
  // of the few beyond the total, while those who should give way are another thread's.
  enum class Place { free, anothers, beyond };
  // 0 for per_source: no cap by source.
  SourceTable(std::size_t total, std::size_t per_source) : total_(total), per_source_(per_source) {}
  // `address` in numbers; its source and its network: source_network.hpp.
  [[nodiscard]] Entry enter(const std::string& address, Place place = Place::free);
  void leave(const std::string& address);
  [[nodiscard]] std::size_t open();
  [[nodiscard]] bool holds_any(const std::string& address);
  // Networks that would still hold more than that of `address` if one of theirs gave way to it, by
  // a quarter at least; the greediest first, a few of them.
  [[nodiscard]] std::vector<std::string> greedier_than(const std::string& address);

 private:
  [[nodiscard]] bool has(Place place) const;
  void count_network(const std::string& network, bool enters);

  const std::size_t total_, per_source_;
  std::mutex mutex_;
  std::size_t open_ = 0;
  std::unordered_map<std::string, std::size_t> sources_, networks_;
  std::set<std::pair<std::size_t, std::string>> by_count_;  // of the networks
};

}  // namespace muster
