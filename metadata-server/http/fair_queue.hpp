// What waits for a worker, shared fairly: each share that waits has its turn, one job a turn;
// strangers after everybody who is known. Where all places are taken, the share that holds most
// gives one up to one that holds less, strangers first. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace muster {

struct WorkShare {
  bool is_strangers = false;
  std::string name;  // a machine's cluster, an operator, a stranger's network

  friend auto operator<=>(const WorkShare&, const WorkShare&) = default;
};

struct Work {
  WorkShare share;
  std::function<void()> run;
  std::function<void()> give_way;  // in its place, where another is preferred
};

class FairQueue {
 public:
  explicit FairQueue(std::size_t places) : places_(places) {}
  // What has no place: nothing, the newest of a greedier share, or what was given.
  [[nodiscard]] std::optional<Work> push(Work work);
  [[nodiscard]] std::optional<Work> pop();
  [[nodiscard]] bool empty() const { return waiting_ == 0; }

 private:
  using Shares = std::map<WorkShare, std::deque<Work>>;  // those that are known come first

  [[nodiscard]] Shares::iterator greediest();
  [[nodiscard]] Work take_newest(Shares::iterator share);

  const std::size_t places_;
  std::size_t waiting_ = 0;
  Shares shares_;                                        // none is empty
  std::deque<WorkShare> known_turns_, strangers_turns_;  // each share that waits, once
};

}  // namespace muster
