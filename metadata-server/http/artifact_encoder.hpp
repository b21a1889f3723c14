// Makes the zstd form of artifacts in the background, one after another on a thread of its own at
// the lowest priority: at the start of what has none yet, later of what is uploaded. What fails is
// logged, and served plain until the server starts again. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "artifact/artifact_store.hpp"

namespace muster {

class ArtifactEncoder {
 public:
  // `store` outlives it.
  explicit ArtifactEncoder(const ArtifactStore& store);
  // Gives up what it is at.
  ~ArtifactEncoder();
  ArtifactEncoder(const ArtifactEncoder&) = delete;
  ArtifactEncoder& operator=(const ArtifactEncoder&) = delete;

  void add(const std::string& digest);
  // Waiting, and the one in work.
  [[nodiscard]] std::size_t pending() const;

 private:
  void run();
  void encode(const std::string& digest);

  const ArtifactStore& store_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace muster
