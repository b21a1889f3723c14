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

// Of --strict: what is merely odd is wrong too.
enum class Warnings { told, refused };

// Prints what is wrong (every problem at once) or merely odd, and gives the exit status for it.
[[nodiscard]] tl::expected<CheckedFolder, Exit> read_checked(Session& session,
                                                             const std::string& folder,
                                                             Warnings warnings = Warnings::told,
                                                             const ReleaseFlags& releases = {});
[[nodiscard]] tl::expected<CheckedFolder, Exit> check_read_files(Session& session,
                                                                 InventoryFiles files,
                                                                 Warnings warnings = Warnings::told,
                                                                 const ReleaseFlags& releases = {});
// What else is odd, by one who knows more: "warning: ..." on standard error, or refused.
[[nodiscard]] tl::expected<void, Exit> tell_warnings(const Session& session,
                                                     std::vector<InventoryProblem> found,
                                                     Warnings warnings);
// Those in a server's answer that are not among `told`.
[[nodiscard]] std::vector<InventoryProblem> further_warnings(
    const nlohmann::json& answer, const std::vector<InventoryProblem>& told);
// {"valid":false,"problems":[...]} or a line per problem.
[[nodiscard]] Exit show_problems(const Session& session,
                                 const std::vector<InventoryProblem>& problems);

// The server's refusal of an inventory, every problem with its place; of anything else, as
// complain.
[[nodiscard]] Exit show_refusal(Session& session, const Error& error);

}  // namespace muster
