// Records that cannot be read and cost themselves alone, each told with what takes it away: one
// table of kinds. What puts a cluster into quarantine is told by that (publish/quarantine).
#pragma once

#include <string>
#include <vector>

#include "fleet/fleet.hpp"

namespace muster {

struct UnreadRecord {
  std::string kind, name;  // "token", "template", ...; its key
  std::string reason, cure;
};
// Of the whole site, but for what belongs to a machine.
[[nodiscard]] Result<std::vector<UnreadRecord>> unread_records(const Store& store);
// "cluster lab", "machine lab/m1": all of these, what belongs to a machine and what puts its
// cluster into quarantine. What is made anew from the rest (documents) is not among them.
[[nodiscard]] Result<std::vector<std::string>> names_of_unread(const Store& store);
// Of what belongs to a machine of this cluster; where that is sound, it is another record.
[[nodiscard]] Result<std::string> cure_of_unread(const Store& store, const std::string& cluster);
// The same error, and where it is of records that cannot be read (kind corrupt), what cures them:
// every order and question of an operator is answered so (http/router).
[[nodiscard]] Error with_cure(const Fleet& fleet, Error error);

}  // namespace muster
