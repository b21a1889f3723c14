// What documents ask of their readers, looked for once per config: nearly all machines share one,
// and to look costs as much as the document. Not thread-safe.
#pragma once

#include <algorithm>
#include <map>
#include <span>

#include "document/document_format.hpp"
#include "inventory/compilation.hpp"

namespace muster {

class NeedsMemo {
 public:
  [[nodiscard]] DocumentNeeds of(const SharedConfig& config, const NodeDocument& document,
                                 std::span<const LaterField> later) {
    const bool is_of_config = std::all_of(later.begin(), later.end(), [](const auto& field) {
      return std::string_view(field.pointer).starts_with("/config/");
    });
    if (!is_of_config) return needs_of(document, later);
    const auto [found, is_new] = known_.try_emplace(&config);
    if (is_new) found->second = needs_of(document, later);
    return found->second;
  }

 private:
  std::map<const SharedConfig*, DocumentNeeds> known_;
};

}  // namespace muster
