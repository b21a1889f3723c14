#include "enrolment/refusal_log.hpp"

#include <algorithm>
#include <iterator>

#include "document/utf8.hpp"

namespace muster {

namespace {

constexpr std::size_t longest_name = 256, longest_message = 1024;

void cut(RefusalNote& note) {
  for (std::string* text : {&note.source, &note.key, &note.hostname, &note.token, &note.asked,
                            &note.node, &note.instance, &note.code})
    *text = cut_text(*text, longest_name);
  note.message = cut_text(note.message, longest_message);
}

bool is_same(const RefusalNote& left, const RefusalNote& right) {
  return left.key == right.key && left.code == right.code && left.message == right.message;
}

bool is_about(const RefusalNote& note, std::string_view name) {
  if (name.empty()) return false;
  const std::size_t slash = note.node.find('/');
  const bool is_node = slash != std::string::npos && note.node.substr(slash + 1) == name;
  return is_node || note.node == name || note.source == name || note.key == name ||
         note.hostname == name || note.instance == name;
}

}  // namespace

void RefusalLog::add(RefusalNote note) {
  cut(note);
  const std::lock_guard lock(mutex_);
  if (!notes_.contains(note.source) && notes_.size() >= sources_) {
    notes_.erase(std::min_element(notes_.begin(), notes_.end(), [](const auto& a, const auto& b) {
      return a.second.back().last < b.second.back().last;
    }));
  }
  Notes& notes = notes_[note.source];
  const auto known = std::find_if(notes.begin(), notes.end(),
                                  [&](const RefusalNote& other) { return is_same(other, note); });
  if (known != notes.end()) {
    note.first = known->first;
    note.count = known->count + 1;
    notes.erase(known);
  }
  notes.push_back(std::move(note));
  if (notes.size() > per_source_) notes.pop_front();
}

void RefusalLog::remove(const std::string& source,
                        const std::function<bool(const RefusalNote&)>& is_it) {
  const std::lock_guard lock(mutex_);
  const auto found = notes_.find(source);
  if (found == notes_.end()) return;
  found->second.remove_if(is_it);
  if (found->second.empty()) notes_.erase(found);
}

void RefusalLog::forget(const std::string& source, const std::string& key) {
  remove(source, [&](const RefusalNote& note) { return note.key == key; });
}

void RefusalLog::asked_for_trust(const std::string& source, std::int64_t now) {
  RefusalNote note;
  note.source = source;
  note.code = went_away;
  note.message =
      "it asked for the trust list and went away without enrolling: it trusts another site, or is no agent; compare the sitePin in its settings (`muster-agent facts`) with `muster init`";
  note.first = note.last = now;
  add(std::move(note));
}

void RefusalLog::went_on(const std::string& source) {
  remove(source, [](const RefusalNote& note) { return note.code == went_away; });
}

std::vector<RefusalNote> RefusalLog::matching(
    const std::function<bool(const RefusalNote&)>& is_wanted) const {
  std::vector<RefusalNote> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [source, notes] : notes_) {
    std::copy_if(notes.begin(), notes.end(), std::back_inserter(found), is_wanted);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.last < b.last; });
  return found;
}

std::vector<RefusalNote> RefusalLog::find(std::string_view name) const {
  return matching([&](const RefusalNote& note) { return is_about(note, name); });
}

std::vector<RefusalNote> RefusalLog::since(std::int64_t time) const {
  return matching([&](const RefusalNote& note) { return note.last >= time; });
}

std::size_t RefusalLog::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [source, notes] : notes_) count += notes.size();
  return count;
}

}  // namespace muster
