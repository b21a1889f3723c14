#include "http/artifact_encoder.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace muster {

ArtifactEncoder::ArtifactEncoder(const ArtifactStore& store) : store_(store) {
  for (auto& digest : store_.not_encoded()) queue_.push_back(std::move(digest));
  thread_ = std::thread([this] { run(); });
}

ArtifactEncoder::~ArtifactEncoder() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    queue_.clear();
  }
  changed_.notify_all();
  thread_.join();
}

void ArtifactEncoder::add(const std::string& digest) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(digest);
  }
  changed_.notify_all();
}

std::size_t ArtifactEncoder::pending() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void ArtifactEncoder::run() {
  // Of this thread alone, on Linux. Where the unit's filter refuses it, the thread is like others.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, 19));
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::string digest = queue_.front();
    lock.unlock();
    encode(digest);
    lock.lock();
    // It counts as pending until it is there.
    if (!queue_.empty()) queue_.pop_front();
  }
}

void ArtifactEncoder::encode(const std::string& digest) {
  const auto made = store_.encode(digest, stopping_);
  if (made) {
    spdlog::debug("artifact {}: {} bytes, as zstd {}", digest, made->plain, made->size);
  } else if (made.error().kind != ErrorKind::not_found && !stopping_) {
    spdlog::warn("{}; it is served plain", made.error().message);
  }
}

}  // namespace muster
