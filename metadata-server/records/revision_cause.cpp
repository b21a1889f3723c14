#include "records/revision_cause.hpp"

#include <algorithm>
#include <set>

namespace muster {
namespace {

using Names = std::set<std::string>;

Names drained(const SiteFacts& facts) {
  Names names;
  for (const auto& [node, drain] : facts.drains) names.insert(node);
  return names;
}

Names banned(const SiteFacts& facts) {
  return {facts.banned_machines.begin(), facts.banned_machines.end()};
}

Names members(const SiteFacts& facts) {
  Names names;
  for (const auto& member : facts.members) names.insert(member.name);
  return names;
}

Names without(const Names& names, const Names& others) {
  Names left;
  std::set_difference(names.begin(), names.end(), others.begin(), others.end(),
                      std::inserter(left, left.end()));
  return left;
}

std::string list(const Names& names) {
  constexpr std::size_t shown = 5;
  std::string text;
  std::size_t count = 0;
  for (const auto& name : names) {
    if (++count > shown) return fmt::format("{} and {} more", text, names.size() - shown);
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string counted(const Names& names, std::string_view what) {
  if (names.size() == 1) return fmt::format("{} {}", *names.begin(), what);
  return fmt::format("{} machines {}: {}", names.size(), what, list(names));
}

class Causes {
 public:
  void add(std::string cause) { text_ += (text_.empty() ? "" : "; ") + std::move(cause); }
  // What was ordered of those that `now` has and `before` has not, and the other way about.
  void compare(const Names& now, const Names& before, std::string_view order,
               std::string_view ended) {
    if (const Names more = without(now, before); !more.empty())
      add(fmt::format("{} of {}", order, list(more)));
    if (const Names less = without(before, now); !less.empty()) add(counted(less, ended));
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string cause_of(const Revision& revision, const Revision* before) {
  Causes causes;
  if (revision.rollback_of != 0)
    causes.add(fmt::format("back to revision {}", revision.rollback_of));
  if (before == nullptr) {
    if (revision.number == 1) causes.add("inventory");
    return causes.text();
  }
  const SiteFacts &now = revision.facts, &then = before->facts;
  if (revision.rollback_of == 0 && revision.files != before->files) causes.add("inventory");
  if (now.upgrades != then.upgrades && !now.upgrades.empty())
    causes.add("upgrade of " + list({now.upgrades.begin(), now.upgrades.end()}));
  // What machines and bans caused between the two is told by the publications there.
  if (before->number + 1 != revision.number)
    return causes.text().empty() ? "published anew" : causes.text();
  causes.compare(banned(now), banned(then), "ban", "banned no more");
  const Names here = members(now), gone = without(members(then), here);
  const Names come = without(here, members(then));
  if (!come.empty()) causes.add(counted(come, "admitted"));
  if (!gone.empty()) causes.add(counted(gone, "removed"));
  // Who left is drained no more, and that is no news.
  causes.compare(drained(now), without(drained(then), gone), "drain", "drained no more");
  return causes.text().empty() ? "published anew" : causes.text();
}

}  // namespace muster
