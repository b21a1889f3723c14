#include "inventory/machine_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "document/problem.hpp"
#include "document/strict_json.hpp"
#include "inventory/suggest.hpp"

namespace muster {

namespace {

std::string text_of(const Value& map, std::string_view key, const std::string& otherwise = {}) {
  const Value* value = map.find(key);
  return value == nullptr ? otherwise : value->scalar;
}

std::vector<std::string> scalars_of(const Value* list) {
  std::vector<std::string> texts;
  if (list == nullptr) return texts;
  for (const Value& item : list->items) texts.push_back(item.scalar);
  return texts;
}

std::map<std::string, std::string> map_of(const Value* map) {
  std::map<std::string, std::string> texts;
  if (map == nullptr) return texts;
  for (const auto& [key, value] : map->fields) texts[key] = value.scalar;
  return texts;
}

class SettingsApplier {
 public:
  SettingsApplier(const Layers& layers, const std::map<std::string, std::uint64_t>& secrets,
                  MachineConfig& config, std::vector<InventoryProblem>& problems)
      : settings_(layers.settings), secrets_(secrets), config_(config), problems_(problems) {}

  void apply() {
    apply_kubelet();
    apply_containerd();
    config_.kernel.modules = scalars_of(settings_.find_path("kernel.modules"));
    config_.kernel.sysctl = map_of(settings_.find_path("kernel.sysctl"));
    config_.kernel.arguments = scalars_of(settings_.find_path("kernel.arguments"));
    config_.fail_on_swap = text_of(settings_, "swap") == "fail";
    apply_files();
  }

 private:
  void apply_kubelet() {
    const Value& kubelet = *settings_.find("kubelet");  // the default layer has one
    config_.kubelet.labels = map_of(kubelet.find("labels"));
    if (const Value* taints = kubelet.find("taints")) {
      for (const Value& taint : taints->items)
        config_.kubelet.taints.push_back(
            {text_of(taint, "key"), text_of(taint, "value"), text_of(taint, "effect")});
    }
    config_.kubelet.reserved_policy = text_of(kubelet, "reservedPolicy");
    config_.kubelet.eviction_hard = map_of(kubelet.find("evictionHard"));
    const std::string most = text_of(kubelet, "maxPods");
    std::from_chars(most.data(), most.data() + most.size(), config_.kubelet.max_pods);
    if (const Value* extra = kubelet.find("extraConfiguration"))
      config_.kubelet.extra_configuration = canonical_text(to_json(*extra));
  }

  void apply_containerd() {
    config_.containerd.sandbox_image.clear();
    const Value* containerd = settings_.find("containerd");
    if (containerd == nullptr) return;
    config_.containerd.sandbox_image = text_of(*containerd, "sandboxImage");
    if (const Value* mirrors = containerd->find("registryMirrors")) {
      for (const auto& [registry, urls] : mirrors->fields)
        config_.containerd.registry_mirrors[registry] = scalars_of(&urls);
    }
    if (const Value* credentials = containerd->find("registryCredentials")) {
      for (const auto& [registry, secret] : credentials->fields) {
        const std::string name = text_of(secret, "secretRef");
        config_.containerd.registry_credentials[registry] = name;
        refer(*secret.find("secretRef"), "/etc/muster/secrets/" + name, "root", "0600");
      }
    }
  }

  void apply_files() {
    const Value* files = settings_.find("files");
    if (files == nullptr) return;
    for (const Value& file : files->items) {
      const std::string path = text_of(file, "path"), owner = text_of(file, "owner", "root");
      const Value* content = file.find("content");
      if (const Value* secret = content->find("secretRef"))
        refer(*secret, path, owner, text_of(file, "mode", "0600"));
      else
        config_.files.push_back({path, content->scalar, owner, text_of(file, "mode", "0644")});
    }
  }

  // A document names a secret once; two registries may share one.
  void refer(const Value& secret, const std::string& path, const std::string& owner,
             const std::string& mode) {
    const std::string& name = secret.scalar;
    const auto known = secrets_.find(name);
    if (known == secrets_.end()) {
      std::vector<std::string_view> names;
      for (const auto& [known_name, version] : secrets_) names.push_back(known_name);
      const std::string suggestion = did_you_mean(name, names);
      problems_.push_back(problem_at(
          secret.place, "secretRef", "the name of a secret of this cluster", in_ticks(name),
          suggestion.empty()
              ? fmt::format("set it with 'muster secret set {} --cluster CLUSTER'", name)
              : suggestion));
      return;
    }
    const auto same =
        std::find_if(config_.secrets.begin(), config_.secrets.end(),
                     [&](const SecretReference& reference) { return reference.name == name; });
    if (same == config_.secrets.end()) {
      config_.secrets.push_back({name, known->second, path, owner, mode});
    } else if (same->path != path) {
      problems_.push_back(problem_at(secret.place, "secretRef", "a secret in one file only",
                                     in_ticks(name), fmt::format("{} holds it", same->path)));
    }
  }

  const Value& settings_;
  const std::map<std::string, std::uint64_t>& secrets_;
  MachineConfig& config_;
  std::vector<InventoryProblem>& problems_;
};

}  // namespace

void apply_settings(const Layers& layers, const std::map<std::string, std::uint64_t>& secrets,
                    MachineConfig& config, std::vector<InventoryProblem>& problems) {
  SettingsApplier(layers, secrets, config, problems).apply();
}

}  // namespace muster
