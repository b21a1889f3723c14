#include "agent/kubelet_state.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_file = 1u << 20;

struct Manager {
  const char* state;
  std::string_view setting;        // of KubeletConfiguration
  std::string_view flag;           // which goes before it
  std::string_view default_value;  // as the state has it
};
constexpr std::array managers = {
    Manager{"/var/lib/kubelet/cpu_manager_state", "cpuManagerPolicy",
            "--cpu-manager-policy=", "none"},
    Manager{"/var/lib/kubelet/memory_manager_state", "memoryManagerPolicy",
            "--memory-manager-policy=", "None"}};

// The value of a field of the document itself: YAML with one field a line, or JSON.
std::string value_in(const std::string& text, std::string_view setting) {
  if (const auto json = nlohmann::json::parse(text, nullptr, false); json.is_object()) {
    const auto found = json.find(setting);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  }
  const std::string key = fmt::format("\n{}:", setting);
  const std::string lines = "\n" + text;
  const auto at = lines.find(key);
  if (at == std::string::npos) return {};
  std::string value = lines.substr(at + key.size());
  value.resize(std::min(value.size(), value.find_first_of("\n#")));
  std::erase_if(value, [](char c) { return c == ' ' || c == '"' || c == '\'' || c == '\r'; });
  return value;
}

// kubelet.yaml, then what lies beside it in the order of names: the last one decides.
std::string configured(const Filesystem& files, const Manager& manager) {
  std::vector<std::string> paths{paths::kubelet_config};
  const auto names = files.list(paths::kubelet_dropins);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    if ((*names)[i].ends_with(".conf")) {
      paths.push_back(fmt::format("{}/{}", paths::kubelet_dropins, (*names)[i]));
    }
  }
  std::string policy(manager.default_value);
  for (const auto& path : paths) {
    const auto text = files.read(path, largest_file);
    auto value = text ? value_in(*text, manager.setting) : std::string();
    if (!value.empty()) policy = std::move(value);
  }
  const auto arguments = files.read(paths::arguments_of("kubelet"), largest_file);
  const auto at = arguments ? arguments->find(manager.flag) : std::string::npos;
  if (at != std::string::npos) {
    policy = arguments->substr(at + manager.flag.size());
    policy.resize(std::min(policy.size(), policy.find_first_of(" \"'\n")));
  }
  return policy;
}

}  // namespace

std::vector<std::string> stale_manager_states(const Filesystem& files) {
  std::vector<std::string> stale;
  for (const auto& manager : managers) {
    if (!files.status(manager.state)) continue;
    const auto text = files.read(manager.state, largest_file);
    const auto json = nlohmann::json::parse(text ? *text : std::string(), nullptr, false);
    const bool is_good = json.is_object() && json.contains("policyName") &&
                         json["policyName"] == configured(files, manager);
    if (!is_good) stale.emplace_back(manager.state);
  }
  return stale;
}

}  // namespace muster
