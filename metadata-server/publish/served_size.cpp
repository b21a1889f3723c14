#include "publish/served_size.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "document/problem.hpp"
#include "document/signed_document.hpp"
#include "document/strict_json.hpp"

namespace muster {

namespace {

struct LargePart {
  std::string where;  // JSON pointer, "*" for every object of a list; empty: all of it
  std::size_t size = 0;
};
using Values = std::vector<const nlohmann::json*>;

// Follows what makes up most of it, as long as one field does; objects of a list are looked at
// together.
LargePart largest_part(const Values& values, LargePart whole) {
  std::map<std::string, Values> parts;
  std::map<std::string, std::size_t> sizes;
  const auto add = [&](const std::string& name, const nlohmann::json& value) {
    parts[name].push_back(&value);
    sizes[name] += canonical_text(value).size();
  };
  for (const nlohmann::json* value : values) {
    if (value->is_object()) {
      for (const auto& [name, field] : value->items()) add(name, field);
    } else if (value->is_array()) {
      for (const auto& item : *value)
        if (item.is_object()) add("*", item);
    }
  }
  for (const auto& [name, size] : sizes) {
    if (size > whole.size / 2)
      return largest_part(parts[name], {pointer_to(whole.where, name), size});
  }
  return whole;
}

std::string told_part(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return {};
  const LargePart part = largest_part({&json}, {{}, text.size()});
  if (part.where.empty()) return {};
  return fmt::format(", {} of them '{}'", part.size, part.where);
}

}  // namespace

std::optional<InventoryProblem> find_too_large(const ServedText& served, bool is_explained) {
  if (served.text.size() <= maximum_payload_size) return std::nullopt;
  return problem_at(served.place, {},
                    fmt::format("a {} of at most {} bytes, which machines take", served.what,
                                maximum_payload_size),
                    fmt::format("{} for {}{}", served.text.size(), served.owner,
                                is_explained ? told_part(served.text) : std::string()),
                    "write less of that, or divide its machines among more clusters");
}

}  // namespace muster
