// Which source is asked first. Shared by the downloads of one run, so that a source that stalls
// costs its time once and not once for each artifact.
#pragma once

#include <mutex>
#include <string>
#include <vector>

namespace muster {

// Thread-safe.
class SourceOrder {
 public:
  explicit SourceOrder(std::vector<std::string> urls) : urls_(std::move(urls)) {}

  [[nodiscard]] std::vector<std::string> now() const;
  void ask_last(const std::string& url);

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> urls_;
};

}  // namespace muster
