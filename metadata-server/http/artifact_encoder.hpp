// Makes the zstd form of artifacts in the background, one after another on a thread of its own at
// the lowest priority: of what is uploaded at once, and from time to time of whatever has none.
// What fails for want of room is tried again then, anything else when the server starts again; both
// are logged, and served plain. Also takes forms away, within a second, when the disk gets fuller
// than artifact/form_room allows. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "artifact/artifact_store.hpp"

namespace muster {

class ArtifactEncoder {
 public:
  // `store` outlives it.
  explicit ArtifactEncoder(const ArtifactStore& store,
                           std::chrono::milliseconds look_every = std::chrono::minutes(1));
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
  void keep_room();
  [[nodiscard]] std::deque<std::string> look();

  const ArtifactStore& store_;
  const std::chrono::milliseconds look_every_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> failed_;   // not for want of room; of the thread alone
  bool lacks_room_ = false;        // of the thread alone
  std::deque<std::string> queue_;  // filled by what looks at the two
  std::thread thread_;             // last: it uses the others
};

}  // namespace muster
