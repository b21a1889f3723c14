#include "agent/node/kubelet_state.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

#include "agent/host/observe.hpp"
#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::size_t largest_file = 1u << 20;

struct Field {
  std::string_view name;  // of KubeletConfiguration
  std::string_view flag;  // which goes before it
};
constexpr Field system_reserved{"systemReserved", "--system-reserved="};
constexpr Field kube_reserved{"kubeReserved", "--kube-reserved="};
constexpr Field feature_gates{"featureGates", "--feature-gates="};

// kubelet 1.36: validateState of pkg/kubelet/cm/{cpumanager,memorymanager}/policy_static.go.
struct Manager {
  const char* state;
  Field policy;
  std::string_view default_policy;  // as the state has it; it looks at nothing else
  std::array<Field, 5> depends_on;
};
constexpr std::array managers = {
    Manager{"/var/lib/kubelet/cpu_manager_state",
            {"cpuManagerPolicy", "--cpu-manager-policy="},
            "none",
            {{{"cpuManagerPolicyOptions", "--cpu-manager-policy-options="},
              {"reservedSystemCPUs", "--reserved-cpus="},
              system_reserved,
              kube_reserved,
              feature_gates}}},
    Manager{"/var/lib/kubelet/memory_manager_state",
            {"memoryManagerPolicy", "--memory-manager-policy="},
            "None",
            {{{"reservedMemory", "--reserved-memory="},
              {"evictionHard", "--eviction-hard="},
              system_reserved,
              kube_reserved,
              feature_gates}}}};

// The text of a field of the document itself: YAML with each field on a line, or JSON.
std::string text_in(const std::string& text, std::string_view setting) {
  if (const auto json = nlohmann::json::parse(text, nullptr, false); json.is_object()) {
    const auto found = json.find(setting);
    if (found == json.end()) return {};
    return found->is_string() ? found->get<std::string>() : found->dump();
  }
  const std::string key = fmt::format("\n{}:", setting);
  const std::string lines = "\n" + text + "\n";
  auto at = lines.find(key);
  if (at == std::string::npos) return {};
  at += key.size();
  // To the next field: what belongs to this one is indented, or an item of a list.
  auto end = lines.find('\n', at);
  while (end + 1 < lines.size() &&
         std::string_view(" -#").find(lines[end + 1]) != std::string::npos)
    end = lines.find('\n', end + 1);
  return lines.substr(at, end - at);
}

std::string value_in(const std::string& text, std::string_view setting) {
  std::string value = text_in(text, setting);
  value.resize(std::min(value.size(), value.find_first_of("\n#")));
  std::erase_if(value, [](char c) { return c == ' ' || c == '"' || c == '\'' || c == '\r'; });
  return value;
}

// kubelet's configuration as it lies on the disk.
class SettingsOnDisk {
 public:
  // kubelet.yaml, then what lies beside it in the order of names: of a value the last one decides.
  explicit SettingsOnDisk(const Filesystem& files) {
    std::vector<std::string> paths{paths::kubelet_config};
    const auto names = files.list(paths::kubelet_dropins);
    for (std::size_t i = 0; names && i < names->size(); ++i) {
      if ((*names)[i].ends_with(".conf")) {
        paths.push_back(fmt::format("{}/{}", paths::kubelet_dropins, (*names)[i]));
      }
    }
    for (const auto& path : paths) {
      auto text = files.read(path, largest_file);
      if (text) texts_.push_back(std::move(*text));
    }
    auto arguments = files.read(paths::arguments_of("kubelet"), largest_file);
    if (arguments) arguments_ = std::move(*arguments);
  }

  [[nodiscard]] std::string policy(const Manager& manager) const {
    std::string policy(manager.default_policy);
    for (const auto& text : texts_) {
      auto value = value_in(text, manager.policy.name);
      if (!value.empty()) policy = std::move(value);
    }
    auto flag = flag_of(manager.policy);
    return flag.empty() ? policy : flag;
  }

  // Something to compare. Maps are merged over the files, so all of them count.
  [[nodiscard]] std::string texts_of(const Field& setting) const {
    std::string all = fmt::format("{}\n{}\n", setting.name, flag_of(setting));
    for (const auto& text : texts_) all += text_in(text, setting.name) + "\n";
    return all;
  }

 private:
  [[nodiscard]] std::string flag_of(const Field& setting) const {
    const auto at = arguments_.find(setting.flag);
    if (at == std::string::npos) return {};
    std::string value = arguments_.substr(at + setting.flag.size());
    value.resize(std::min(value.size(), value.find_first_of(" \"'\n")));
    return value;
  }

  std::vector<std::string> texts_;
  std::string arguments_;
};

}  // namespace

std::map<std::string, std::string> manager_inputs(const Filesystem& files) {
  const SettingsOnDisk configuration(files);
  const auto facts = observe(files, {});
  const auto online = files.read("/sys/devices/system/cpu/online");
  const std::string machine =
      fmt::format("{}\n{}\n{}\n", facts.boot_id, facts.memory_bytes, online ? *online : "");
  std::map<std::string, std::string> inputs;
  for (const auto& manager : managers) {
    std::string text = machine + configuration.policy(manager) + "\n";
    for (const auto& setting : manager.depends_on) text += configuration.texts_of(setting);
    inputs[manager.state] = sha256_digest(text);
  }
  return inputs;
}

std::vector<std::string> stale_manager_states(const Filesystem& files,
                                              const std::map<std::string, std::string>& noted) {
  const SettingsOnDisk configuration(files);
  const auto now = manager_inputs(files);
  std::vector<std::string> stale;
  for (const auto& manager : managers) {
    if (!files.status(manager.state)) continue;
    const auto text = files.read(manager.state, largest_file);
    const auto json = nlohmann::json::parse(text ? *text : std::string(), nullptr, false);
    const std::string policy = configuration.policy(manager);
    const auto before = noted.find(manager.state);
    const bool is_its =
        json.is_object() && json.contains("policyName") && json["policyName"] == policy;
    const bool is_as_before = policy == manager.default_policy || before == noted.end() ||
                              before->second == now.at(manager.state);
    if (!is_its || !is_as_before) stale.emplace_back(manager.state);
  }
  return stale;
}

}  // namespace muster
