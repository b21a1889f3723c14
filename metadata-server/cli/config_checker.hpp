// The program config-checker (scripts/components.d/config-checker.d), run without a shell, for a
// bounded time, with a bounded answer.
#pragma once

#include <string>
#include <vector>

#include "result/result.hpp"

namespace muster {

[[nodiscard]] bool is_known_to_checker(const std::string& program);

// What `program` says of these arguments, whose files lie below `root`; nothing: it starts with
// them. io: it failed, or gave no answer within half a minute.
[[nodiscard]] Result<std::vector<std::string>> run_config_checker(
    const std::string& checker, const std::string& root, const std::string& program,
    const std::vector<std::string>& arguments);

}  // namespace muster
