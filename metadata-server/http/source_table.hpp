// How many connections each source address holds, across the event threads of one listener.
// Thread-safe.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace muster {

class SourceTable {
 public:
  enum class Entry { taken, source_full, full };
  // 0 for per_source: no cap by source.
  SourceTable(std::size_t total, std::size_t per_source) : total_(total), per_source_(per_source) {}
  [[nodiscard]] Entry enter(const std::string& source);
  void leave(const std::string& source);
  [[nodiscard]] std::size_t open();

 private:
  const std::size_t total_, per_source_;
  std::mutex mutex_;
  std::size_t open_ = 0;
  std::unordered_map<std::string, std::size_t> counts_;
};

}  // namespace muster
