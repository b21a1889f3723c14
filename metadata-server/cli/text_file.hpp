// Files that an operator names on the command line.
#pragma once

#include <cstddef>
#include <string>

#include "result/result.hpp"

namespace muster {

// The whole file. exhausted: it has more than `most` bytes.
[[nodiscard]] Result<std::string> read_text_file(const std::string& path, std::size_t most);

}  // namespace muster
