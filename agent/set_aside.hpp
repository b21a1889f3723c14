// What is damaged is kept for whoever looks for the cause, under one name beside where it was.
#pragma once

#include <string>

#include "agent/host/host.hpp"

namespace muster {

[[nodiscard]] inline std::string damaged_name(const std::string& path) {
  return path + ".damaged";
}

// One of each: what was set aside before goes.
[[nodiscard]] inline Result<void> set_aside(Filesystem& files, const std::string& path) {
  if (auto gone = files.remove(damaged_name(path)); !gone) return gone;
  return files.rename(path, damaged_name(path));
}

}  // namespace muster
