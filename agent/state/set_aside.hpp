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

// A folder where a file or a link belongs is set aside: neither can take its place.
[[nodiscard]] inline Result<void> make_room_for_file(Filesystem& files, const std::string& path) {
  const auto there = files.status(path);
  const bool is_in_the_way = there && there->type == FileStatus::Type::directory;
  return is_in_the_way ? set_aside(files, path) : Result<void>();
}

// Likewise what is no folder where one belongs. A link may lead to one, and stays.
[[nodiscard]] inline Result<void> make_room_for_folder(Filesystem& files, const std::string& path) {
  const auto there = files.status(path);
  const bool is_in_the_way =
      there && there->type != FileStatus::Type::directory && !files.list(path);
  return is_in_the_way ? set_aside(files, path) : Result<void>();
}

}  // namespace muster
