// An inventory folder, read, and checked here or by the server.
#pragma once

#include <string>
#include <vector>

#include "cli/session.hpp"
#include "inventory/load.hpp"

namespace muster {

struct CheckedFolder {
  InventoryFiles files;
  Inventory inventory;
};

// Prints what is wrong (every problem at once) or merely odd, and gives the exit status for it.
[[nodiscard]] tl::expected<CheckedFolder, Exit> read_checked(Session& session,
                                                             const std::string& folder);
[[nodiscard]] tl::expected<CheckedFolder, Exit> check_files(Session& session, InventoryFiles files);
// What the server says of each problem, or of what is merely odd, a line each: as check_files does.
[[nodiscard]] std::string problem_lines(const nlohmann::json& problems);
// {"valid":false,"problems":[...]} or a line per problem.
[[nodiscard]] Exit show_problems(const Session& session,
                                 const std::vector<InventoryProblem>& problems);

// The server's refusal of an inventory, every problem with its place; of anything else, as
// complain.
[[nodiscard]] Exit show_refusal(Session& session, const Error& error);

}  // namespace muster
