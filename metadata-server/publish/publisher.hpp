// Publishes what is due (records/due), however it came to be due and whoever died on the way: one
// loop, which takes all that is owed to a cluster together. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "publish/publish.hpp"
#include "records/due.hpp"

namespace muster {

// What is owed to a cluster, and why it is not paid.
struct OwedPublication {
  DueMark mark;
  bool awaits_signature = false;  // this server may not sign for it
  std::string refused;            // why the last attempt failed; empty: none was made yet
};

class Publisher {
 public:
  explicit Publisher(const PublishContext& context) : context_(context) {}
  ~Publisher() { stop(); }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Begins the loop, on a thread of its own. Until then, who settles does the work himself.
  // It looks every second, and at once where somebody waits.
  void start();
  void stop();  // idempotent

  // What was marked before this call is published when it returns. unavailable: not within
  // `patience`, and not refused either; else why the publication is refused. Either way it stays
  // due, and the loop goes on.
  [[nodiscard]] Result<void> settle(const std::string& cluster,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10));
  // True: the member is served its document. False: its cluster awaits masters; the last of them
  // brings the documents of all. Errors: as settle has them, as unavailable.
  [[nodiscard]] Result<bool> bring_document(const std::string& cluster, const std::string& node);

  // One look at everything that is due. An error: the store does not answer.
  [[nodiscard]] Result<void> look();
  [[nodiscard]] Result<std::vector<OwedPublication>> owed() const;  // by cluster

 private:
  using Clock = std::chrono::steady_clock;
  struct Cluster {
    std::uint64_t asked = 0, answered = 0;  // who waits, in turn
    Result<void> answer;                    // of the last look
    std::uint64_t refused_version = 0;      // of the mark whose publication was refused
    std::string refused;
    Clock::time_point again_at;
    std::chrono::seconds back_off{0};
  };
  void run();
  [[nodiscard]] Result<void> publish(const DueMark& mark);
  void note(const DueMark& mark, const Result<void>& published);
  [[nodiscard]] bool may_sign(const std::string& cluster) const;

  const PublishContext& context_;
  std::thread thread_;
  std::mutex looking_;  // one look at a time
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_running_ = false, is_stopping_ = false, is_woken_ = false;
  std::size_t waiting_ = 0;
  std::map<std::string, Cluster> clusters_;
};

}  // namespace muster
