// When each cluster on demand ends, in memory: for answers that wait for no store, and for metrics.
// Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>

#include "store/store.hpp"

namespace muster {

class ClusterEnds {
 public:
  // From the store, at the start.
  [[nodiscard]] Result<void> load(const Store& store);
  void set(const std::string& cluster, std::int64_t at);  // Unix seconds
  void remove(const std::string& cluster);
  // Until its end; 0 once that has come. Nothing: no cluster on demand.
  [[nodiscard]] std::optional<std::chrono::seconds> left(const std::string& cluster,
                                                         std::int64_t now) const;
  [[nodiscard]] std::map<std::string, std::int64_t> all() const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::int64_t> ends_;
};

}  // namespace muster
