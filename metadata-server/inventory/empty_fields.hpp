// A key with nothing behind it: the file may be cut there, and what was meant is not known. Who
// means "none" writes null, or leaves the key out. Pure.
#pragma once

#include <string>
#include <vector>

#include "inventory/schema_tree.hpp"
#include "inventory/value.hpp"

namespace muster {

// Before validate_fields; what that says of required fields, list items and map entries is left to
// it.
void check_empty_fields(const Value& value, const SchemaNode& schema, const std::string& path,
                        std::vector<InventoryProblem>& problems);

}  // namespace muster
