#include "http/artifact_encoder.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace muster {
namespace {

constexpr std::chrono::seconds room_interval{1};

}  // namespace

ArtifactEncoder::ArtifactEncoder(const ArtifactStore& store, std::chrono::milliseconds look_every)
    : store_(store), look_every_(look_every), queue_(look()) {
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
  using Clock = std::chrono::steady_clock;
  // Of this thread alone, on Linux. Not the lowest: whoever stops the server waits for a piece, for
  // which a busy machine would give that no processor for half a minute.
  if (setpriority(PRIO_PROCESS, 0, 10) != 0) {
    spdlog::warn("zstd forms are made at the server's own priority: setpriority: {}",
                 std::strerror(errno));
  }
  auto look_at = Clock::now() + look_every_;
  const auto pause = std::min<std::chrono::milliseconds>(room_interval, look_every_);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, pause, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::string digest = queue_.empty() ? std::string() : queue_.front();
    lock.unlock();
    keep_room();
    std::deque<std::string> found;
    if (!digest.empty()) {
      encode(digest);
    } else if (Clock::now() >= look_at) {
      found = look();
      look_at = Clock::now() + look_every_;
    }
    lock.lock();
    // It counts as pending until it is there.
    if (!digest.empty() && !queue_.empty()) queue_.pop_front();
    if (!stopping_) queue_.insert(queue_.end(), found.begin(), found.end());
  }
}

void ArtifactEncoder::encode(const std::string& digest) {
  const auto made = store_.encode(digest, stopping_);
  if (made) {
    spdlog::debug("artifact {}: {} bytes, as zstd {}", digest, made->plain, made->size);
    return;
  }
  const Error& error = made.error();
  if (error.kind == ErrorKind::not_found || stopping_) return;  // pruned meanwhile
  if (error.kind != ErrorKind::exhausted) {
    failed_.insert(digest);
    spdlog::warn("{}; it is served plain until the server starts again", error.message);
  } else if (!lacks_room_) {
    lacks_room_ = true;  // said once, of the first
    spdlog::warn("{}; what has no form is served plain, and is tried again", error.message);
  }
}

void ArtifactEncoder::keep_room() {
  store_.form_room().make_room();
  if (const auto removed = store_.form_room().take_removed(); removed > 0) {
    spdlog::info("removed {} bytes of zstd forms: others need the disk; served plain meanwhile",
                 removed);
  }
}

std::deque<std::string> ArtifactEncoder::look() {
  std::deque<std::string> missing;
  for (auto& digest : store_.not_encoded()) {
    if (!failed_.contains(digest)) missing.push_back(std::move(digest));
  }
  if (missing.empty()) lacks_room_ = false;
  return missing;
}

}  // namespace muster
