// What a file contains after cloud-init's `write_files`. Pure; throws what yaml-cpp throws.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

struct WrittenFile {
  int line = 0;  // of the entry that wrote last, as yaml-cpp counts in its text; 0: made by merging
  std::string content;
};

// Of a path that is written more than once what the last entry left; those with `defer` come after
// the others. nullopt: no entry writes it. kind invalid, with the line after `where`: an entry of
// this file or of another at which cloud-init ends, so that nobody can say what is written.
[[nodiscard]] Result<std::optional<WrittenFile>> written_file(std::string_view where,
                                                              const YAML::Node& write_files,
                                                              std::string_view path);

}  // namespace muster
