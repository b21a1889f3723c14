#include "enrolment/refusal_log.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "document/utf8.hpp"
#include "enrolment/source_network.hpp"

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

// Of the inventory's, by what was said.
bool is_of_a_machine(const RefusalNote& note) {
  return !note.node.empty();
}

bool is_about(const RefusalNote& note, std::string_view name) {
  if (name.empty()) return false;
  const std::size_t slash = note.node.find('/');
  const bool is_node = slash != std::string::npos && note.node.substr(slash + 1) == name;
  return is_node || note.node == name || note.source == name || note.key == name ||
         note.hostname == name || note.instance == name;
}

}  // namespace

// Of the sources that have such a note: strangers first, then of the network that has most of them,
// then the one that was refused longest ago.
RefusalLog::Sources::iterator RefusalLog::who_gives_way(
    const std::function<bool(const RefusalNote&)>& is_wanted) {
  const auto has = [](const Notes& notes, const auto& is_it) {
    return std::any_of(notes.begin(), notes.end(), is_it);
  };
  std::map<std::string_view, std::size_t> counts;  // of networks
  for (const auto& [name, source] : kept_) {
    if (has(source.notes, is_wanted)) ++counts[source.network];
  }
  const auto rank = [&](const Source& source) {
    return std::tuple(!has(source.notes, is_of_a_machine), counts[source.network],
                      -source.notes.back().last);
  };
  auto found = kept_.end();
  for (auto one = kept_.begin(); one != kept_.end(); ++one) {
    if (!has(one->second.notes, is_wanted)) continue;
    if (found == kept_.end() || rank(one->second) > rank(found->second)) found = one;
  }
  return found;
}

void RefusalLog::make_place_about(const std::string& node) {
  const auto is_about_it = [&](const RefusalNote& other) { return other.node == node; };
  const auto sources = std::count_if(kept_.begin(), kept_.end(), [&](const auto& one) {
    return std::any_of(one.second.notes.begin(), one.second.notes.end(), is_about_it);
  });
  if (static_cast<std::size_t>(sources) < per_node_) return;
  const auto gives_way = who_gives_way(is_about_it);
  gives_way->second.notes.remove_if(is_about_it);
  if (gives_way->second.notes.empty()) kept_.erase(gives_way);
}

bool RefusalLog::make_place(const RefusalNote& note) {
  const auto own = kept_.find(note.source);
  const auto is_same_node = [&](const RefusalNote& other) { return other.node == note.node; };
  const bool is_told = own != kept_.end() && std::any_of(own->second.notes.begin(),
                                                         own->second.notes.end(), is_same_node);
  if (is_of_a_machine(note) && !is_told) make_place_about(note.node);
  if (own != kept_.end() || kept_.size() < sources_) return true;
  const auto gives_way = who_gives_way([](const RefusalNote&) { return true; });
  const Notes& notes = gives_way->second.notes;
  if (!is_of_a_machine(note) && std::any_of(notes.begin(), notes.end(), is_of_a_machine))
    return false;
  kept_.erase(gives_way);
  return true;
}

void RefusalLog::add(RefusalNote note) {
  cut(note);
  const std::lock_guard lock(mutex_);
  if (!make_place(note)) return;
  Source& source = kept_[note.source];
  if (source.network.empty()) source.network = network_of(note.source);
  Notes& notes = source.notes;
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
  const auto found = kept_.find(source);
  if (found == kept_.end()) return;
  found->second.notes.remove_if(is_it);
  if (found->second.notes.empty()) kept_.erase(found);
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
  for (const auto& [name, source] : kept_) {
    std::copy_if(source.notes.begin(), source.notes.end(), std::back_inserter(found), is_wanted);
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
  for (const auto& [name, source] : kept_) count += source.notes.size();
  return count;
}

}  // namespace muster
