#include "inventory/component_options.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "component_options_text.hpp"
#include "document/release_names.hpp"
#include "document/release_version.hpp"
#include "document/strict_json.hpp"

namespace muster {

namespace {

constexpr std::size_t most_choices = 2000;

FlagType read_type(const nlohmann::json& value) {
  FlagType type;
  if (value.is_string()) {
    type.type = value.get<std::string>();
    return type;
  }
  if (!value.is_object()) return type;
  type.type = value.value("type", type.type);
  if (const auto from = value.find("from"); from != value.end())
    type.from = from->get<std::int64_t>();
  if (const auto to = value.find("to"); to != value.end()) type.to = to->get<std::int64_t>();
  if (const auto choices = value.find("choices");
      choices != value.end() && choices->size() <= most_choices)
    type.choices = choices->get<std::vector<std::string>>();
  return type;
}

FlagTypes read_types(const nlohmann::json& flags) {
  FlagTypes types;
  for (const auto& [flag, type] : flags.items()) types[flag] = read_type(type);
  return types;
}

struct Options {
  std::map<std::string, std::map<std::string, FlagTypes>> flags;
  std::map<std::string, nlohmann::json> kubelet;
};

Options read_options() {
  Options options;
  std::string text;
  for (const char* part : component_options_text) text += part;
  const auto table = nlohmann::json::parse(text);
  for (const auto& [component, versions] : table.items()) {
    for (const auto& [minor, entries] : versions.items()) {
      if (component == "KubeletConfiguration")
        options.kubelet[minor] = entries;
      else
        options.flags[component][minor] = read_types(entries);
    }
  }
  return options;
}

const Options& known_options() {
  static const Options options = read_options();
  return options;
}

// A component's release, and the one that it was in before.
std::array<std::string, 2> releases_of(const std::string& component) {
  if (component == "etcd" || component == "containerd") return {component, component};
  const bool is_node = component == "kubelet" || component == "kube-proxy";
  return {std::string(is_node ? releases::kubernetes_node : releases::kubernetes_control_plane),
          std::string(releases::kubernetes)};
}

}  // namespace

std::string minor_version(std::string_view version) {
  const std::size_t dot = version.find('.');
  if (dot == std::string_view::npos) return std::string(version);
  return std::string(version.substr(0, version.find_first_not_of("0123456789", dot + 1)));
}

std::string newest_known(const std::string& component) {
  const auto found = known_options().flags.find(component);
  std::string newest;
  if (found == known_options().flags.end()) return newest;
  for (const auto& [minor, flags] : found->second) {
    // 1.9 is before 1.10.
    const bool is_newer =
        minor.size() > newest.size() || (minor.size() == newest.size() && minor > newest);
    if (is_newer) newest = minor;
  }
  return newest;
}

const FlagTypes* flags_of(const std::string& component, const std::string& minor) {
  const auto found = known_options().flags.find(component);
  if (found == known_options().flags.end()) return nullptr;
  const auto flags = found->second.find(minor);
  return flags == found->second.end() ? nullptr : &flags->second;
}

const nlohmann::json* kubelet_fields(const std::string& minor) {
  const auto found = known_options().kubelet.find(minor);
  return found == known_options().kubelet.end() ? nullptr : &found->second;
}

Result<ProgramFlags> parse_release_flags(std::string_view json) {
  const auto read = parse_strict_json(release_flags_path, json, {maximum_release_flags});
  if (!read) return pass(read.error());
  ProgramFlags programs;
  try {
    if (read->at("apiVersion") != "muster/v1" || read->at("kind") != "ReleaseFlags")
      return fail(ErrorKind::invalid,
                  fmt::format("{}: expected apiVersion muster/v1 and kind ReleaseFlags",
                              release_flags_path));
    for (const auto& [program, flags] : read->at("programs").items())
      programs[program] = read_types(flags);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::invalid,
                fmt::format("{}: expected {{\"programs\":{{PROGRAM:{{FLAG:TYPE}}}}}}, found: {}",
                            release_flags_path, error.what()));
  }
  return programs;
}

KnownFlags known_flags(const ReleaseFlags& releases, const std::string& component,
                       const std::string& version) {
  KnownFlags known;
  for (const std::string& name : releases_of(component)) {
    for (const auto& [release, programs] : releases) {
      const auto flags = programs->find(component);
      if (release.first != name || flags == programs->end()) continue;
      const bool is_wanted =
          version.empty()
              ? known.flags == nullptr || compare_versions(known.version, release.second) < 0
              : release.second == version;
      if (is_wanted) known = {&flags->second, release.second};
    }
    if (known.flags != nullptr) return known;
  }
  known.version = version.empty() ? newest_known(component) : minor_version(version);
  known.flags = flags_of(component, known.version);
  return known;
}

}  // namespace muster
