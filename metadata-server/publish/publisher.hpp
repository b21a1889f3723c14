// Publishes what is due (records/due), however it came to be due and whoever died on the way: all
// that is owed to a cluster together, one cluster at a time. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
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

  // What was marked before this call is published when it returns. unavailable: others published
  // for longer than `patience`; else why the publication is refused. Either way it stays due, and
  // look() goes on.
  [[nodiscard]] Result<void> settle(const std::string& cluster,
                                    std::chrono::milliseconds patience = std::chrono::seconds(10));
  // True: the member is served its document. False: its cluster awaits masters; the last of them
  // brings the documents of all. Errors: as settle has them, as unavailable.
  [[nodiscard]] Result<bool> bring_document(const std::string& cluster, const std::string& node);

  // One look at everything that is due, for a background task, and at documents that cannot be
  // read; what was refused is tried again
  // after a pause that grows to a minute. An error: the store does not answer.
  [[nodiscard]] Result<void> look();
  [[nodiscard]] Result<std::vector<OwedPublication>> owed() const;  // by cluster

 private:
  using Clock = std::chrono::steady_clock;
  struct Refused {
    std::uint64_t version = 0;  // of the mark
    Error error;
    Clock::time_point at;
    std::chrono::seconds back_off{0};
  };
  class Turn;
  [[nodiscard]] Result<void> mark_unread_documents();
  [[nodiscard]] Result<void> publish(const DueMark& mark);
  [[nodiscard]] Result<void> try_publishing(const DueMark& mark);
  // The refusal of this very mark, if it was refused.
  [[nodiscard]] std::optional<Refused> refusal_of(const DueMark& mark) const;
  [[nodiscard]] bool may_sign(const std::string& cluster) const;

  const PublishContext& context_;
  mutable std::mutex mutex_;
  std::condition_variable turn_ended_;
  bool is_taken_ = false;
  std::map<std::string, Refused> refused_;  // by cluster
};

}  // namespace muster
