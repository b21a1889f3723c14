// Tokens, templates and operators whose record cannot be read: each costs itself alone, and is told
// with what takes it away.
#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace muster {

struct UnreadRecord {
  std::string kind, name;  // "token", "template" or "operator"
  std::string reason, cure;
};
[[nodiscard]] Result<std::vector<UnreadRecord>> unread_records(const Store& store);

}  // namespace muster
