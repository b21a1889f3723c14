// What machines take: nothing larger is published.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inventory/place.hpp"

namespace muster {

// Whose text it is, for the message: "document" of "machine 'lab/n1'", at its place.
struct ServedText {
  std::string_view what, owner;
  const Place& place;
  std::string_view text;  // canonical JSON
};
// Nothing: it fits. With the sizes, the part that makes it large ("/config/kubelet/labels") where
// `is_explained`, and the cure. Pure.
[[nodiscard]] std::optional<InventoryProblem> find_too_large(const ServedText& served,
                                                             bool is_explained = true);

}  // namespace muster
