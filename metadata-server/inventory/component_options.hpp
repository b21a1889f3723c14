// Which flags and which configuration fields the components have, by minor version: what
// scripts/component-options asked of the programs (component_options.json). Pure; thread-safe.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace muster {

// "1.36.3" is of "1.36".
[[nodiscard]] std::string minor_version(std::string_view version);
// Of the newest version that is known; "" for a component that is not.
[[nodiscard]] std::string newest_known(const std::string& component);

// Flag -> type of its value: text, bool, int, uint, float, duration, ip, ports, pairs, gates.
using FlagTypes = std::map<std::string, std::string, std::less<>>;
// nullptr: that version is not known.
[[nodiscard]] const FlagTypes* flags_of(const std::string& component, const std::string& minor);

// The shape of a KubeletConfiguration: {field: shape}, where a shape is the name of a type, a list
// of one shape, {"*": shape} for a map, or fields again. nullptr: that version is not known.
[[nodiscard]] const nlohmann::json* kubelet_fields(const std::string& minor);

}  // namespace muster
