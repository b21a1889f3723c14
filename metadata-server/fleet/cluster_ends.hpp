// When each cluster on demand ends, in memory: for answers that wait for no store, and for metrics.
// Fed by the store's feed (kind "on-demand"). Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>

#include "publish/quarantine.hpp"
#include "store/views.hpp"

namespace muster {

class ClusterEnds final : public View {
 public:
  // A cluster of which a record cannot be read gets into `quarantine`.
  explicit ClusterEnds(Quarantine& quarantine) : quarantine_(quarantine) {}
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  // Until its end; 0 once that has come. Nothing: no cluster on demand.
  [[nodiscard]] std::optional<std::chrono::seconds> left(const std::string& cluster,
                                                         std::int64_t now) const;
  [[nodiscard]] std::map<std::string, std::int64_t> all() const;  // Unix seconds

 private:
  Quarantine& quarantine_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::int64_t> ends_;
};

}  // namespace muster
