// One value tree against the field table. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/schema_tree.hpp"
#include "inventory/value.hpp"

namespace muster {

// Adds every problem of `value`, and takes what is wrong out of it (to null), so that later checks
// do not tell the same mistake again. `path` is what stands before the fields in messages, "" at
// the top.
void validate_fields(Value& value, const SchemaNode& schema, const std::string& path,
                     std::vector<InventoryProblem>& problems);

// in_ticks (document/problem.hpp) without the ticks.
[[nodiscard]] std::string escaped(std::string_view text);
// "'10.64.0.0/99'", "a list", "a map", "nothing".
[[nodiscard]] std::string found_text(const Value& value);

}  // namespace muster
