#include "document/node_document_json.hpp"
#include "document/strict_json.hpp"
#include "document/taint_json.hpp"

namespace muster {
namespace {

using nlohmann::json;

// A list of structs as a list of objects.
template <class Rows, class ToJson>
json list_of(const Rows& rows, ToJson to_json) {
  json list = json::array();
  for (const auto& row : rows) list.push_back(to_json(row));
  return list;
}

json release_to_json(const ReleaseReference& release) {
  return {{"name", release.name},
          {"version", release.version},
          {"manifestDigest", release.manifest_digest},
          {"size", release.size}};
}

void read_release(JsonObject& object, ReleaseReference& release) {
  object.text("name", release.name);
  object.text("version", release.version);
  object.text("manifestDigest", release.manifest_digest);
  object.number("size", release.size);
}

json kubelet_to_json(const KubeletSettings& kubelet) {
  return {{"labels", kubelet.labels},
          {"taints", taints_to_json(kubelet.taints)},
          {"reservedPolicy", kubelet.reserved_policy},
          {"evictionHard", kubelet.eviction_hard},
          {"maxPods", kubelet.max_pods},
          {"extraConfiguration", json::parse(kubelet.extra_configuration, nullptr, false)}};
}

void read_kubelet(JsonObject& object, KubeletSettings& kubelet) {
  object.text_map("labels", kubelet.labels);
  read_taints(object, kubelet.taints);
  object.text("reservedPolicy", kubelet.reserved_policy);
  object.text_map("evictionHard", kubelet.eviction_hard);
  object.number("maxPods", kubelet.max_pods);
  if (const json* extra = object.raw("extraConfiguration")) {
    kubelet.extra_configuration = canonical_text(*extra);
  }
}

json containerd_to_json(const ContainerdSettings& containerd) {
  return {{"registryMirrors", containerd.registry_mirrors},
          {"sandboxImage", containerd.sandbox_image},
          {"registryCredentials", containerd.registry_credentials}};
}

void read_containerd(JsonObject& object, ContainerdSettings& containerd) {
  object.text_list_map("registryMirrors", containerd.registry_mirrors);
  object.text("sandboxImage", containerd.sandbox_image);
  object.text_map("registryCredentials", containerd.registry_credentials);
}

json kernel_to_json(const KernelSettings& kernel) {
  json written = {{"modules", kernel.modules}, {"sysctl", kernel.sysctl}};
  if (!kernel.arguments.empty()) written["arguments"] = kernel.arguments;
  return written;
}

json file_to_json(const FileSpec& file) {
  return {
      {"path", file.path}, {"content", file.content}, {"owner", file.owner}, {"mode", file.mode}};
}

void read_file(JsonObject& object, FileSpec& file) {
  object.text("path", file.path);
  object.text("content", file.content);
  object.text("owner", file.owner);
  object.text("mode", file.mode);
}

json secret_to_json(const SecretReference& secret) {
  return {{"name", secret.name},
          {"version", secret.version},
          {"path", secret.path},
          {"owner", secret.owner},
          {"mode", secret.mode}};
}

void read_secret(JsonObject& object, SecretReference& secret) {
  object.text("name", secret.name);
  object.number("version", secret.version);
  object.text("path", secret.path);
  object.text("owner", secret.owner);
  object.text("mode", secret.mode);
}

json addon_to_json(const AddonSpec& addon) {
  return {{"name", addon.name}, {"manifest", addon.manifest}, {"waitsFor", addon.waits_for}};
}

void read_addon(JsonObject& object, AddonSpec& addon) {
  object.text("name", addon.name);
  object.text("manifest", addon.manifest);
  object.texts("waitsFor", addon.waits_for);
}

void read_component_arguments(JsonObject& object, MachineConfig& config) {
  for (const std::string& component : object.fields()) {
    object.text_map(component, config.component_arguments[component]);
  }
}

json state_disk_to_json(const StateDisk& disk) {
  json written = {{"create", disk.create}};
  if (!disk.serial.empty()) written["serial"] = disk.serial;
  if (!disk.wwn.empty()) written["wwn"] = disk.wwn;
  if (!disk.path.empty()) written["path"] = disk.path;
  return written;
}

void read_state_disk(JsonObject& object, StateDisk& disk) {
  object.text("create", disk.create);
  object.text("serial", disk.serial, Need::optional);
  object.text("wwn", disk.wwn, Need::optional);
  object.text("path", disk.path, Need::optional);
}

}  // namespace

bool operator==(const StateDisk& left, const StateDisk& right) {
  return state_disk_to_json(left) == state_disk_to_json(right);
}

json config_to_json(const MachineConfig& config) {
  json written = {{"releases", list_of(config.releases, release_to_json)},
                  {"artifactMirrors", config.artifact_mirrors},
                  {"kubelet", kubelet_to_json(config.kubelet)},
                  {"containerd", containerd_to_json(config.containerd)},
                  {"kernel", kernel_to_json(config.kernel)},
                  {"files", list_of(config.files, file_to_json)},
                  {"secrets", list_of(config.secrets, secret_to_json)},
                  {"componentArguments", config.component_arguments},
                  {"failOnSwap", config.fail_on_swap},
                  {"addons", list_of(config.addons, addon_to_json)},
                  {"bannedMachines", config.banned_machines}};
  if (config.netboot) written["netboot"] = release_to_json(*config.netboot);
  if (config.state_disk) written["stateDisk"] = state_disk_to_json(*config.state_disk);
  return written;
}

void read_config(JsonObject& object, MachineConfig& config) {
  object.objects("releases",
                 [&](JsonObject& entry) { read_release(entry, config.releases.emplace_back()); });
  object.object(
      "netboot", [&](JsonObject& inner) { read_release(inner, config.netboot.emplace()); },
      Need::optional);
  object.object(
      "stateDisk", [&](JsonObject& inner) { read_state_disk(inner, config.state_disk.emplace()); },
      Need::optional);
  object.texts("artifactMirrors", config.artifact_mirrors);
  object.object("kubelet", [&](JsonObject& inner) { read_kubelet(inner, config.kubelet); });
  object.object("containerd",
                [&](JsonObject& inner) { read_containerd(inner, config.containerd); });
  object.object("kernel", [&](JsonObject& inner) {
    inner.texts("modules", config.kernel.modules);
    inner.text_map("sysctl", config.kernel.sysctl);
    inner.texts("arguments", config.kernel.arguments, Need::optional);
  });
  object.objects("files",
                 [&](JsonObject& entry) { read_file(entry, config.files.emplace_back()); });
  object.objects("secrets",
                 [&](JsonObject& entry) { read_secret(entry, config.secrets.emplace_back()); });
  object.object("componentArguments",
                [&](JsonObject& inner) { read_component_arguments(inner, config); });
  object.flag("failOnSwap", config.fail_on_swap);
  object.objects("addons",
                 [&](JsonObject& entry) { read_addon(entry, config.addons.emplace_back()); });
  object.texts("bannedMachines", config.banned_machines);
}

}  // namespace muster
