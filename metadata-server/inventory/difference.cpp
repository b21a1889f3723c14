#include "inventory/difference.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "document/problem.hpp"
#include "document/utf8.hpp"

namespace muster {

namespace {

// What an item of a list is called; "" when the list is one of plain values.
std::string item_name(const nlohmann::json& item) {
  if (!item.is_object()) return {};
  for (const char* key : {"name", "path"}) {
    if (const auto found = item.find(key); found != item.end() && found->is_string())
      return found->get<std::string>();
  }
  return {};
}

// A list whose items have different names reads as a map of them, so that one that was put in
// before the others does not look like a change of all.
nlohmann::json named_items(const nlohmann::json& list) {
  nlohmann::json map = nlohmann::json::object();
  for (const nlohmann::json& item : list) {
    const std::string name = item_name(item);
    if (name.empty() || map.contains(name)) return list;
    map[name] = item;
  }
  return map;
}

nlohmann::json names_of(const nlohmann::json& list) {
  nlohmann::json names = nlohmann::json::array();
  for (const nlohmann::json& item : list) names.push_back(item_name(item));
  return names;
}

class DocumentComparer {
 public:
  std::vector<Difference> compare(const NodeDocument& left, const NodeDocument& right) {
    compare("", as_json(left), as_json(right));
    return std::move(differences_);
  }

 private:
  static nlohmann::json as_json(const NodeDocument& document) {
    nlohmann::json json = nlohmann::json::parse(to_canonical_json(document), nullptr, false);
    if (json.is_discarded()) return nlohmann::json::object();
    for (const char* field : {"generation", "site", "apiVersion", "kind"}) json.erase(field);
    name_releases(json["config"]["releases"]);
    return json;
  }

  // A release is known by its version; size and digest follow from it, and say something of their
  // own only where the version is the same.
  static void name_releases(nlohmann::json& list) {
    nlohmann::json map = nlohmann::json::object();
    for (const nlohmann::json& release : list) map[item_name(release)] = release;
    list = std::move(map);
  }

  void compare_releases(const std::string& pointer, const nlohmann::json& left,
                        const nlohmann::json& right) {
    if (left["version"] != right["version"])
      add(pointer + "/version", left["version"].dump(), right["version"].dump());
    else
      compare_maps(pointer, left, right);
  }

  void compare(const std::string& pointer, const nlohmann::json& left,
               const nlohmann::json& right) {
    if (left == right) return;
    if (left.is_array() && right.is_array()) {
      const nlohmann::json left_map = named_items(left), right_map = named_items(right);
      if (left_map.is_object() && right_map.is_object())
        compare_maps(pointer, left_map, right_map);
      else
        add(pointer, left.dump(), right.dump());
      // Addons are applied in their order, so another one is a change.
      if (left_map == right_map && left_map.is_object())
        add(pointer, names_of(left).dump(), names_of(right).dump());
    } else if (left.is_object() && right.is_object()) {
      compare_maps(pointer, left, right);
    } else {
      add(pointer, left.dump(), right.dump());
    }
  }

  void compare_maps(const std::string& pointer, const nlohmann::json& left,
                    const nlohmann::json& right) {
    std::set<std::string> keys;
    for (const auto& [key, value] : left.items()) keys.insert(key);
    for (const auto& [key, value] : right.items()) keys.insert(key);
    for (const std::string& key : keys) {
      const std::string below = pointer_to(pointer, key);
      const bool is_release = pointer == "/config/releases";
      if (!left.contains(key))
        add(below, "", (is_release ? right[key]["version"] : right[key]).dump());
      else if (!right.contains(key))
        add(below, (is_release ? left[key]["version"] : left[key]).dump(), "");
      else if (is_release)
        compare_releases(below, left[key], right[key]);
      else
        compare(below, left[key], right[key]);
    }
  }

  void add(const std::string& pointer, std::string left, std::string right) {
    differences_.push_back({pointer, shown(std::move(left)), shown(std::move(right))});
  }

  // A manifest of a thousand lines is not a line of a diff.
  static std::string shown(std::string json) {
    constexpr std::size_t longest = 120;
    if (json.size() <= longest) return json;
    return std::string(cut_text(json, longest)) + "...";
  }

  std::vector<Difference> differences_;
};

}  // namespace

std::vector<Difference> diff_documents(const NodeDocument& old_document,
                                       const NodeDocument& new_document) {
  return DocumentComparer().compare(old_document, new_document);
}

std::string to_text(const Difference& difference) {
  if (difference.old_value.empty())
    return fmt::format("{}: added {}", difference.pointer, difference.new_value);
  if (difference.new_value.empty())
    return fmt::format("{}: removed {}", difference.pointer, difference.old_value);
  return fmt::format("{}: {} -> {}", difference.pointer, difference.old_value,
                     difference.new_value);
}

}  // namespace muster
