// How cloud-init joins the '#cloud-config' parts of one user-data: by what each says in `merge_how`
// (or `merge_type`), then by its header, else the later one's keys replace. Pure; throws what
// yaml-cpp throws.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

// What a mapping says: of a key that is there twice the last, then what "<<" brings. kind invalid:
// more than it may hold.
[[nodiscard]] Result<std::map<std::string, YAML::Node>> fields_of(const YAML::Node& mapping);
// A scalar that is neither null nor a boolean. (Numbers are taken for text: who needs to know?)
[[nodiscard]] bool is_text(const YAML::Node& node);

struct Merger {
  std::string kind;  // "dict", "list" or "str"
  std::vector<std::string> options;
};

// Of a part: "list(append)+dict(recurse_list)". kind invalid: cloud-init passes over such a part.
[[nodiscard]] Result<std::vector<Merger>> mergers_of(
    const std::map<std::string, YAML::Node>& fields, std::string_view header);
[[nodiscard]] bool replaces(const std::vector<Merger>& mergers);

using MaybeNode = std::optional<YAML::Node>;
// One key of the whole: as it was, and as the next part has it.
[[nodiscard]] Result<MaybeNode> merged_key(const std::vector<Merger>& mergers,
                                           const MaybeNode& before, const MaybeNode& next);

}  // namespace muster
