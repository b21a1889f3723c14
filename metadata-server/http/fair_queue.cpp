#include "http/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace muster {
namespace {

constexpr std::size_t strangers_part = 4;

// Of a map that is not empty.
template <class Map, class Size>
auto largest(Map& map, const Size& size) {
  return std::max_element(map.begin(), map.end(), [&](const auto& a, const auto& b) {
    return size(a.second) < size(b.second);
  });
}

std::size_t of_caller(const std::deque<Work>& works) {
  return works.size();
}

}  // namespace

std::optional<Work> FairQueue::push(Work work) {
  const bool is_stranger = work.share.is_strangers;
  Class& own = is_stranger ? strangers_ : known_;
  std::optional<Work> left;
  if (known_.waiting + strangers_.waiting >= places_) {
    const std::size_t of_strangers = places_ / strangers_part;
    if (!is_stranger && strangers_.waiting > of_strangers) {
      left = take_newest_of_greediest(strangers_);
    } else if (is_stranger && strangers_.waiting < of_strangers) {
      left = take_newest_of_greediest(known_);
    } else if (const auto greedier = greedier_than(own, work.share)) {
      left = take_newest(own, *greedier);
    } else {
      return work;
    }
  }
  add(own, std::move(work));
  return left;
}

bool FairQueue::is_strangers_turn() {
  if (strangers_.waiting == 0) return false;
  return known_.waiting == 0 || ++turns_ % strangers_part == 0;
}

std::optional<Work> FairQueue::pop() {
  if (empty()) return std::nullopt;
  return take_oldest(is_strangers_turn() ? strangers_ : known_);
}

// The group that would still hold more than the newcomer's; else its own, where another caller of
// it would.
std::optional<std::string> FairQueue::greedier_than(const Class& all, const WorkShare& share) {
  if (all.waiting == 0) return std::nullopt;
  const auto most = largest(all.groups, [](const Group& group) { return group.waiting; });
  const auto own = all.groups.find(share.group);
  if (most->second.waiting > (own == all.groups.end() ? 0 : own->second.waiting) + 1)
    return most->first;
  if (own == all.groups.end()) return std::nullopt;
  const auto& callers = own->second.callers;
  const auto held = callers.find(share.caller);
  const std::size_t of_newcomer = held == callers.end() ? 0 : held->second.size();
  if (largest(callers, of_caller)->second.size() > of_newcomer + 1) return own->first;
  return std::nullopt;
}

Work FairQueue::take_newest_of_greediest(Class& all) {
  const auto most = largest(all.groups, [](const Group& group) { return group.waiting; });
  return take_newest(all, most->first);
}

void FairQueue::add(Class& all, Work work) {
  const WorkShare share = work.share;
  Group& group = all.groups[share.group];
  auto& works = group.callers[share.caller];
  if (works.empty()) group.turns.push_back(share.caller);
  if (group.waiting == 0) all.turns.push_back(share.group);
  works.push_back(std::move(work));
  ++group.waiting;
  ++all.waiting;
}

Work FairQueue::take_newest(Class& all, const std::string& name) {
  const auto group = all.groups.find(name);
  const auto caller = largest(group->second.callers, of_caller);
  Work work = std::move(caller->second.back());
  caller->second.pop_back();
  note_taken(all, group, caller);
  return work;
}

// Out of its turn.
void FairQueue::note_taken(Class& all, Groups::iterator group, Callers::iterator caller) {
  --all.waiting;
  if (caller->second.empty()) {
    std::erase(group->second.turns, caller->first);
    group->second.callers.erase(caller);
  }
  if (--group->second.waiting == 0) {
    std::erase(all.turns, group->first);
    all.groups.erase(group);
  }
}

void FairQueue::take_back(const WorkShare& share, std::uint64_t id) {
  Class& all = share.is_strangers ? strangers_ : known_;
  const auto group = all.groups.find(share.group);
  if (group == all.groups.end()) return;
  const auto caller = group->second.callers.find(share.caller);
  if (caller == group->second.callers.end()) return;
  auto& works = caller->second;
  const auto found =
      std::find_if(works.begin(), works.end(), [&](const Work& work) { return work.id == id; });
  if (found == works.end()) return;
  works.erase(found);
  note_taken(all, group, caller);
}

Work FairQueue::take_oldest(Class& all) {
  const auto group = all.groups.find(all.turns.front());
  all.turns.pop_front();
  auto& turns = group->second.turns;
  const auto caller = group->second.callers.find(turns.front());
  turns.pop_front();
  Work work = std::move(caller->second.front());
  caller->second.pop_front();
  --all.waiting;
  if (caller->second.empty()) {
    group->second.callers.erase(caller);
  } else {
    turns.push_back(caller->first);
  }
  if (--group->second.waiting == 0) {
    all.groups.erase(group);
  } else {
    all.turns.push_back(group->first);
  }
  return work;
}

}  // namespace muster
