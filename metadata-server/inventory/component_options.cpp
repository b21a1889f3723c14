#include "inventory/component_options.hpp"

#include <nlohmann/json.hpp>

#include "component_options_text.hpp"

namespace muster {

namespace {

struct Options {
  std::map<std::string, std::map<std::string, FlagTypes>> flags;
  std::map<std::string, nlohmann::json> kubelet;
};

Options read_options() {
  Options options;
  const auto table = nlohmann::json::parse(component_options_text);
  for (const auto& [component, versions] : table.items()) {
    for (const auto& [minor, entries] : versions.items()) {
      if (component == "KubeletConfiguration")
        options.kubelet[minor] = entries;
      else
        options.flags[component][minor] = entries.get<FlagTypes>();
    }
  }
  return options;
}

const Options& known_options() {
  static const Options options = read_options();
  return options;
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

}  // namespace muster
