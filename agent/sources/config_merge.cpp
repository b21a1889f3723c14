#include "agent/sources/config_merge.hpp"

#include <algorithm>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

constexpr int most_steps = 20000;  // aliases make a short text a large one

tl::unexpected<Error> too_much() {
  return fail(ErrorKind::invalid,
              fmt::format("expected at most {} values, found more", most_steps));
}

bool collect(const YAML::Node& mapping, std::map<std::string, YAML::Node>& fields, int& steps) {
  std::vector<YAML::Node> bases;
  std::vector<std::pair<YAML::Node, YAML::Node>> rows;
  for (const auto& row : mapping) {
    if (--steps < 0) return false;
    rows.emplace_back(row.first, row.second);
  }
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (!row->first.IsScalar()) continue;
    if (row->first.Scalar() == "<<" && row->first.Tag() == "?") {
      if (row->second.IsMap()) bases.push_back(row->second);
      if (row->second.IsSequence())
        for (const auto& base : row->second) bases.push_back(base);
      continue;
    }
    fields.emplace(row->first.Scalar(), row->second);
  }
  return std::all_of(bases.begin(), bases.end(), [&](const YAML::Node& base) {
    return !base.IsMap() || collect(base, fields, steps);
  });
}

// "dict(replace, recurse_list)".
Result<Merger> merger_of(std::string word) {
  std::replace(word.begin(), word.end(), '-', '_');
  const auto open = word.find('(');
  if (open == std::string::npos || !word.ends_with(')'))
    return fail(ErrorKind::invalid, "expected 'merge_how' as NAME(OPTIONS), found something else");
  Merger merger{word.substr(0, open), {}};
  std::string option;
  for (const char c : word.substr(open + 1)) {
    if (c != ',' && c != ')') {
      if (c != ' ' && c != '\t') option += c;
    } else if (!option.empty()) {
      merger.options.push_back(std::exchange(option, {}));
    }
  }
  return merger;
}

Result<void> add_mergers(std::string_view text, std::vector<Merger>& mergers) {
  std::string word;
  for (const char c : lower_case(text) + "+") {
    if (c != '+') {
      if (!word.empty() || (c != ' ' && c != '\t')) word += c;
      continue;
    }
    word.resize(word.find_last_not_of(" \t\r\n") + 1);
    if (word.empty()) continue;
    auto merger = merger_of(std::exchange(word, {}));
    if (!merger) return pass(merger.error());
    mergers.push_back(std::move(*merger));
  }
  return {};
}

// A list of {name, settings} or of [name, option...].
Result<void> add_listed(const YAML::Node& list, std::vector<Merger>& mergers) {
  for (const auto& entry : list) {
    const bool is_named = entry.IsMap() && entry["name"] && entry["settings"];
    if (!is_named && (!entry.IsSequence() || entry.size() == 0)) {
      return fail(ErrorKind::invalid, "expected 'merge_how' as a list of names with settings");
    }
    Merger merger;
    merger.kind = is_named ? entry["name"].as<std::string>() : entry[0].as<std::string>();
    if (is_named)
      for (const auto& option : entry["settings"])
        merger.options.push_back(option.as<std::string>());
    for (std::size_t i = 1; !is_named && i < entry.size(); ++i)
      merger.options.push_back(entry[i].as<std::string>());
    mergers.push_back(std::move(merger));
  }
  return {};
}

class Merging {
 public:
  explicit Merging(const std::vector<Merger>& mergers) : mergers_(mergers) {}

  const Merger* of(std::string_view kind) const {
    const auto found = std::find_if(mergers_.begin(), mergers_.end(),
                                    [&](const Merger& merger) { return merger.kind == kind; });
    return found == mergers_.end() ? nullptr : &*found;
  }
  static bool has(const Merger& merger, std::string_view option) {
    return std::find(merger.options.begin(), merger.options.end(), option) != merger.options.end();
  }

  Result<YAML::Node> same_key(const Merger& dict, const YAML::Node& before,
                              const YAML::Node& next) {
    if (has(dict, "replace")) return next;
    const bool goes_in = next.IsMap() || (next.IsSequence() && goes_into_lists(dict)) ||
                         (is_text(next) && has(dict, "recurse_str"));
    return goes_in ? merge(before, next) : before;
  }

 private:
  static bool goes_into_lists(const Merger& merger) {
    return has(merger, "recurse_array") || has(merger, "recurse_list");
  }

  Result<YAML::Node> merge(const YAML::Node& before, const YAML::Node& next) {
    if (--steps_ < 0) return too_much();
    const Merger* dict = of("dict");
    const Merger* list = of("list");
    const Merger* str = of("str");
    if (before.IsMap() && dict != nullptr) return merge_maps(*dict, before, next);
    if (before.IsSequence() && list != nullptr) return merge_lists(*list, before, next);
    if (!is_text(before) || str == nullptr) return before;
    if (!has(*str, "append")) return next;
    return YAML::Node(before.Scalar() + next.as<std::string>());
  }

  Result<YAML::Node> merge_maps(const Merger& how, const YAML::Node& before,
                                const YAML::Node& next) {
    if (!next.IsMap()) return before;
    const auto old = fields_of(before);
    const auto young = fields_of(next);
    if (!old || !young) return too_much();
    YAML::Node made(YAML::NodeType::Map);
    for (const auto& [key, value] : *old) {
      const auto found = young->find(key);
      if (found == young->end()) {
        made.force_insert(key, value);
      } else if (!found->second.IsNull() || !has(how, "allow_delete")) {
        const auto one = same_key(how, value, found->second);
        if (!one) return pass(one.error());
        made.force_insert(key, *one);
      }
    }
    for (const auto& [key, value] : *young)
      if (!old->contains(key)) made.force_insert(key, value);
    return made;
  }

  Result<YAML::Node> merge_lists(const Merger& how, const YAML::Node& before,
                                 const YAML::Node& next) {
    const bool appends = has(how, "append");
    const bool prepends = !appends && has(how, "prepend");
    const bool keeps = !appends && !prepends && !has(how, "replace") && has(how, "no_replace");
    if (!next.IsSequence()) {
      if (!appends && !prepends && !keeps) return next;
      return fail(ErrorKind::invalid, "expected a list to join to a list, found something else");
    }
    YAML::Node made(YAML::NodeType::Sequence);
    for (const auto& entry : prepends ? next : before) made.push_back(entry);
    for (const auto& entry : prepends ? before : next)
      if (appends || prepends) made.push_back(entry);
    if (appends || prepends || keeps) return made;
    YAML::Node placed(YAML::NodeType::Sequence);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (i >= next.size()) {
        placed.push_back(before[i]);
        continue;
      }
      const bool goes_in = (next[i].IsMap() && has(how, "recurse_dict")) ||
                           (next[i].IsSequence() && goes_into_lists(how)) ||
                           (is_text(next[i]) && has(how, "recurse_str"));
      const auto one = goes_in ? merge(before[i], next[i]) : Result<YAML::Node>(next[i]);
      if (!one) return pass(one.error());
      placed.push_back(*one);
    }
    return placed;
  }

  const std::vector<Merger>& mergers_;
  int steps_ = most_steps;
};

}  // namespace

Result<std::map<std::string, YAML::Node>> fields_of(const YAML::Node& mapping) {
  std::map<std::string, YAML::Node> fields;
  int steps = most_steps;
  if (!collect(mapping, fields, steps)) return too_much();
  return fields;
}

bool is_text(const YAML::Node& node) {
  if (!node.IsScalar()) return false;
  static const std::vector<std::string> words = {"yes", "no", "true", "false", "on", "off"};
  return node.Tag() != "?" ||
         std::find(words.begin(), words.end(), lower_case(node.Scalar())) == words.end();
}

Result<std::vector<Merger>> mergers_of(const std::map<std::string, YAML::Node>& fields,
                                       std::string_view header) {
  std::vector<Merger> mergers;
  auto said = fields.find("merge_how");
  if (said == fields.end() || said->second.IsNull()) said = fields.find("merge_type");
  if (said != fields.end() && !said->second.IsNull()) {
    const auto done = said->second.IsScalar() ? add_mergers(said->second.Scalar(), mergers)
                                              : add_listed(said->second, mergers);
    if (!done) return pass(done.error());
  }
  if (auto done = add_mergers(header, mergers); !done) return pass(done.error());
  if (mergers.empty()) return std::vector<Merger>{{"dict", {"replace"}}, {"list", {}}, {"str", {}}};
  for (const auto& merger : mergers) {
    if (merger.kind == "dict" || merger.kind == "list" || merger.kind == "str") continue;
    return fail(ErrorKind::invalid, "expected 'merge_how' of dict, list and str, found another");
  }
  return mergers;
}

bool replaces(const std::vector<Merger>& mergers) {
  const Merging merging(mergers);
  const Merger* dict = merging.of("dict");
  return dict != nullptr && Merging::has(*dict, "replace");
}

Result<MaybeNode> merged_key(const std::vector<Merger>& mergers, const MaybeNode& before,
                             const MaybeNode& next) {
  Merging merging(mergers);
  const Merger* dict = merging.of("dict");
  if (!next || dict == nullptr) return before;
  if (!before) return next;
  if (next->IsNull() && Merging::has(*dict, "allow_delete")) return MaybeNode();
  const auto one = merging.same_key(*dict, *before, *next);
  if (!one) return pass(one.error());
  return MaybeNode(*one);
}

}  // namespace muster
