// A checkpoint as JSON: what an older agent wrote is read, what a newer one wrote is kept. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/state/checkpoint.hpp"

namespace muster {

inline constexpr std::size_t largest_checkpoint = 8u << 20;  // bytes, and of the stamps alike

[[nodiscard]] std::string to_json(const Checkpoint& checkpoint);
// corrupt | invalid: with every problem's JSON pointer.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view json);

// Of paths::carried_releases. What cannot be read is as if it was not there: the releases are
// hashed then.
[[nodiscard]] std::map<std::string, ReleaseStamp> parse_carried_stamps(std::string_view json);

// What the releases' Debian packages were installed as: name -> version.
[[nodiscard]] std::map<std::string, std::string> packages_of(
    const std::map<std::string, ReleaseStamp>& releases);

}  // namespace muster
