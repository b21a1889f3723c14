// What waits for a worker, shared fairly: each group that waits has its turn, and in a group each
// caller, one job a turn; strangers have one turn of four, since a machine that was not looked up
// yet is one, and else come after everybody who is known. Where all places are taken, strangers
// give up what they hold beyond a quarter, then the group that holds most to one that holds less,
// and within a group the caller. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace muster {

struct WorkShare {
  bool is_strangers = false;  // nobody looked up yet who it is
  std::string group;          // a machine's cluster, an operator, a stranger's network
  std::string caller;         // one of it: a machine, a certificate, an address

  friend bool operator==(const WorkShare&, const WorkShare&) = default;
};

struct Work {
  WorkShare share;
  std::function<void()> run;
  std::function<void()> give_way;  // in its place, where another is preferred
  bool is_large = false;           // megabytes to read: it takes a worker for long
  std::uint64_t id = 0;            // by which it is taken back
};

class FairQueue {
 public:
  explicit FairQueue(std::size_t places) : places_(places) {}
  // What has no place: nothing, the newest of whoever is greedier, or what was given.
  [[nodiscard]] std::optional<Work> push(Work work);
  [[nodiscard]] std::optional<Work> pop();
  // Nobody waits for it any more; where it waits.
  void take_back(const WorkShare& share, std::uint64_t id);
  [[nodiscard]] bool empty() const { return known_.waiting + strangers_.waiting == 0; }

 private:
  struct Group {
    std::map<std::string, std::deque<Work>> callers;  // none is empty
    std::deque<std::string> turns;                    // each of them, once
    std::size_t waiting = 0;
  };
  struct Class {
    std::map<std::string, Group> groups;  // none is empty
    std::deque<std::string> turns;        // each of them, once
    std::size_t waiting = 0;
  };

  [[nodiscard]] static std::optional<std::string> greedier_than(const Class& all,
                                                                const WorkShare& share);
  [[nodiscard]] static Work take_newest(Class& all, const std::string& group);
  [[nodiscard]] static Work take_newest_of_greediest(Class& all);
  [[nodiscard]] static Work take_oldest(Class& all);
  using Groups = std::map<std::string, Group>;
  using Callers = std::map<std::string, std::deque<Work>>;
  static void note_taken(Class& all, Groups::iterator group, Callers::iterator caller);
  static void add(Class& all, Work work);

  [[nodiscard]] bool is_strangers_turn();

  const std::size_t places_;
  std::size_t turns_ = 0;
  Class known_, strangers_;
};

}  // namespace muster
