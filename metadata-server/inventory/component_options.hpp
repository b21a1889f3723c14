// Which flags and which configuration fields the components have: what scripts/component-options
// asked of the programs. Of a release by its own artifact share/flags.json, else by minor version
// (component_options.json). Pure; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result/result.hpp"

namespace muster {

// "1.36.3" is of "1.36".
[[nodiscard]] std::string minor_version(std::string_view version);
// Of the newest version that is known; "" for a component that is not.
[[nodiscard]] std::string newest_known(const std::string& component);

// What a flag takes.
struct FlagType {
  // text, bool, int, uint, float, duration, ip, urls, ports, pairs, gates;
  // choice: one of `choices`; list: some of them, with commas.
  std::string type = "text";
  std::optional<std::int64_t> from, to;  // of numbers; of a duration in seconds, 1 for more than 0
  std::vector<std::string> choices;      // of gates: NAME, or NAME=true where it is locked
};
using FlagTypes = std::map<std::string, FlagType, std::less<>>;
// nullptr: that version is not known.
[[nodiscard]] const FlagTypes* flags_of(const std::string& component, const std::string& minor);

// The shape of a KubeletConfiguration: {field: shape}, where a shape is the name of a type, a list
// of one shape, {"*": shape} for a map, or fields again. nullptr: that version is not known.
[[nodiscard]] const nlohmann::json* kubelet_fields(const std::string& minor);

// By program.
using ProgramFlags = std::map<std::string, FlagTypes, std::less<>>;
inline constexpr std::string_view release_flags_path = "share/flags.json";
inline constexpr std::size_t maximum_release_flags = 256u << 10;  // bytes
// Such a file: {"apiVersion","kind":"ReleaseFlags","programs":{PROGRAM:{FLAG:TYPE}}}, where TYPE is
// "int", or {"type","from"?,"to"?,"choices"?}. A type that this program does not know is text.
[[nodiscard]] Result<ProgramFlags> parse_release_flags(std::string_view json);

// By a release's name and version; releases without such a file are left out.
using ReleaseFlags =
    std::map<std::pair<std::string, std::string>, std::shared_ptr<const ProgramFlags>>;

// The flags by which a component is checked.
struct KnownFlags {
  const FlagTypes* flags = nullptr;  // nullptr: nobody knows them
  std::string version;               // "1.36.3" by the release, "1.36" by the table
};
// `version`: that the cluster is to run; "": the newest that is known.
[[nodiscard]] KnownFlags known_flags(const ReleaseFlags& releases, const std::string& component,
                                     const std::string& version);

}  // namespace muster
