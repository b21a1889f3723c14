#include "agent/foundation/source_order.hpp"

#include <algorithm>

namespace muster {

std::vector<std::string> SourceOrder::now() const {
  const std::lock_guard lock(mutex_);
  return urls_;
}

void SourceOrder::ask_last(const std::string& url) {
  const std::lock_guard lock(mutex_);
  std::stable_partition(urls_.begin(), urls_.end(), [&](const auto& one) { return one != url; });
}

}  // namespace muster
