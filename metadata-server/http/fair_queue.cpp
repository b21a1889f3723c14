#include "http/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace muster {

std::optional<Work> FairQueue::push(Work work) {
  std::optional<Work> left;
  if (waiting_ >= places_) {
    const auto most = greediest();
    const auto own = shares_.find(work.share);
    const std::size_t held = own == shares_.end() ? 0 : own->second.size();
    const bool is_greedier =
        most != shares_.end() &&
        (most->first.is_strangers == work.share.is_strangers ? most->second.size() > held + 1
                                                             : most->first.is_strangers);
    if (!is_greedier) return work;
    left = take_newest(most);
  }
  auto& queue = shares_[work.share];
  if (queue.empty()) {
    (work.share.is_strangers ? strangers_turns_ : known_turns_).push_back(work.share);
  }
  queue.push_back(std::move(work));
  ++waiting_;
  return left;
}

std::optional<Work> FairQueue::pop() {
  auto& turns = known_turns_.empty() ? strangers_turns_ : known_turns_;
  if (turns.empty()) return std::nullopt;
  const WorkShare share = std::move(turns.front());
  turns.pop_front();
  const auto found = shares_.find(share);
  Work work = std::move(found->second.front());
  found->second.pop_front();
  --waiting_;
  if (found->second.empty()) {
    shares_.erase(found);
  } else {
    turns.push_back(share);
  }
  return work;
}

// Of strangers where one waits.
FairQueue::Shares::iterator FairQueue::greediest() {
  const auto holds_less = [](const Shares::value_type& a, const Shares::value_type& b) {
    return std::pair(a.first.is_strangers, a.second.size()) <
           std::pair(b.first.is_strangers, b.second.size());
  };
  return std::max_element(shares_.begin(), shares_.end(), holds_less);
}

Work FairQueue::take_newest(Shares::iterator share) {
  Work work = std::move(share->second.back());
  share->second.pop_back();
  --waiting_;
  if (!share->second.empty()) return work;
  auto& turns = share->first.is_strangers ? strangers_turns_ : known_turns_;
  turns.erase(std::find(turns.begin(), turns.end(), share->first));
  shares_.erase(share);
  return work;
}

}  // namespace muster
