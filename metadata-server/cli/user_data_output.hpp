// Where user-data goes that a server made: files of a folder, or the terminal; with the operator's
// own parts beside it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/user_data_parts.hpp"

namespace muster {

struct UserDataOptions {
  std::string folder;              // empty: it is printed
  std::vector<std::string> parts;  // files
};

// Everything that can fail before it is ordered: it holds a token that is told only once. Makes the
// folder (0700) and reads the parts, of at most 256 KiB each.
[[nodiscard]] Result<std::vector<UserDataPart>> prepare_user_data(const UserDataOptions& options);

// One text with the parts; a note on stderr where EC2 would refuse its size.
[[nodiscard]] Result<std::string> finish_user_data(const std::string& ours,
                                                   const std::vector<UserDataPart>& parts);

// Each of answer["userData"] into a new file of the folder (0600, never over one that is there), or
// whole in the answer. Returns what to print after the rest.
[[nodiscard]] Result<std::string> put_user_data(const UserDataOptions& options,
                                                const std::vector<UserDataPart>& parts,
                                                nlohmann::json& answer);

}  // namespace muster
