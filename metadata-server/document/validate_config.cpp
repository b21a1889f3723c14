#include <algorithm>
#include <set>

#include "document/field_syntax.hpp"
#include "document/owned_flags.hpp"
#include "document/validation.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::string_view components[] = {
    "containerd", "etcd",       "kube-apiserver", "kube-controller-manager",
    "kubelet",    "kube-proxy", "kube-scheduler"};

// Calls check(element, "/config/<field>/<i>") and refuses a second element of the same name.
template <class Row, class Check>
void each_named(const std::vector<Row>& rows, const std::string& where, Findings& findings,
                Check check) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string here = pointer_to(where, i);
    findings.expect(is_dns_name(rows[i].name), here + "/name",
                    "lower-case letters, digits, '-', '.'", rows[i].name);
    findings.expect(names.insert(rows[i].name).second, here + "/name", "each name once",
                    rows[i].name);
    check(rows[i], here);
  }
}

void validate_releases(const MachineConfig& config, Findings& findings) {
  each_named(config.releases, "/config/releases", findings,
             [&](const ReleaseReference& release, const std::string& where) {
               findings.expect(is_version(release.version), where + "/version",
                               "a version such as '1.36.3'", release.version);
               findings.expect(is_digest(release.manifest_digest), where + "/manifestDigest",
                               "'sha256:' and 64 lower-case hex digits", release.manifest_digest);
             });
  if (config.netboot) {
    findings.expect(is_dns_name(config.netboot->name), "/config/netboot/name",
                    "lower-case letters, digits, '-', '.'", config.netboot->name);
    findings.expect(is_version(config.netboot->version), "/config/netboot/version",
                    "a version such as '1.36.3'", config.netboot->version);
    findings.expect(is_digest(config.netboot->manifest_digest), "/config/netboot/manifestDigest",
                    "'sha256:' and 64 lower-case hex digits", config.netboot->manifest_digest);
  }
  for (std::size_t i = 0; i < config.artifact_mirrors.size(); ++i) {
    findings.expect(is_http_url(config.artifact_mirrors[i]),
                    pointer_to("/config/artifactMirrors", i), "an http or https URL",
                    config.artifact_mirrors[i]);
  }
}

void validate_state_disk(const MachineConfig& config, Findings& findings) {
  if (!config.state_disk) return;
  const StateDisk& disk = *config.state_disk;
  const std::string where = "/config/stateDisk";
  const int named = static_cast<int>(!disk.serial.empty()) + static_cast<int>(!disk.wwn.empty()) +
                    static_cast<int>(!disk.path.empty());
  findings.expect(named == 1, where, "one of serial, wwn and path", fmt::format("{}", named));
  findings.expect(disk.create == "never" || disk.create == "ifBlank" || disk.create == "wipe",
                  where + "/create", "never, ifBlank or wipe", disk.create);
  // Each is a line of what the initrd reads.
  for (const std::string* text : {&disk.serial, &disk.wwn, &disk.path})
    findings.expect(std::all_of(text->begin(), text->end(),
                                [](char letter) { return letter >= ' ' && letter <= '~'; }),
                    where, "printable text on one line", *text);
}

void validate_kubelet(const KubeletSettings& kubelet, Findings& findings) {
  const std::string where = "/config/kubelet";
  validate_labels(kubelet.labels, where + "/labels", findings);
  validate_taints(kubelet.taints, where + "/taints", findings);
  const std::string& policy = kubelet.reserved_policy;
  findings.expect(policy == "gke" || policy == "eks" || policy == "none", where + "/reservedPolicy",
                  "gke, eks or none", policy);
  if (kubelet.max_pods < 1 || kubelet.max_pods > 1024) {
    findings.add(where + "/maxPods", fmt::format("expected 1 to 1024, found {}", kubelet.max_pods));
  }
  if (kubelet.extra_configuration.rfind('{', 0) != 0) {
    findings.add(where + "/extraConfiguration", "expected an object, found something else");
  }
}

void validate_containerd(const MachineConfig& config, Findings& findings) {
  const std::string where = "/config/containerd";
  for (const auto& [registry, mirrors] : config.containerd.registry_mirrors) {
    const std::string here = pointer_to(where + "/registryMirrors", registry);
    for (std::size_t i = 0; i < mirrors.size(); ++i) {
      findings.expect(is_http_url(mirrors[i]), pointer_to(here, i), "an http or https URL",
                      mirrors[i]);
    }
  }
  const std::string& sandbox = config.containerd.sandbox_image;
  findings.expect(!sandbox.empty() && sandbox.find_first_of(" \t\r\n\"'\\") == std::string::npos,
                  where + "/sandboxImage", "an image name", sandbox);
  for (const auto& [registry, secret] : config.containerd.registry_credentials) {
    const bool known = std::any_of(config.secrets.begin(), config.secrets.end(),
                                   [&, &wanted = secret](const SecretReference& reference) {
                                     return reference.name == wanted;
                                   });
    findings.expect(known, pointer_to(where + "/registryCredentials", registry),
                    "a name in /config/secrets", secret);
  }
}

void validate_kernel(const KernelSettings& kernel, Findings& findings) {
  const auto is_word = [](std::string_view text, std::string_view extra) {
    return !text.empty() && text.size() <= 128 && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [&](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    extra.find(c) != std::string_view::npos;
           });
  };
  for (std::size_t i = 0; i < kernel.modules.size(); ++i) {
    findings.expect(is_word(kernel.modules[i], "_-"), pointer_to("/config/kernel/modules", i),
                    "a module name", kernel.modules[i]);
  }
  for (const auto& [key, value] : kernel.sysctl) {
    const std::string here = pointer_to("/config/kernel/sysctl", key);
    findings.expect(is_word(key, "._-/") && key.find("..") == std::string::npos, here,
                    "a sysctl name such as 'net.ipv4.ip_forward'", key);
    findings.expect(!value.empty() && !has_control_characters(value), here, "a value in one line",
                    value);
  }
  for (std::size_t i = 0; i < kernel.arguments.size(); ++i) {
    findings.expect(is_kernel_argument(kernel.arguments[i]),
                    pointer_to("/config/kernel/arguments", i),
                    "text without blanks, quotes, '$' and backslashes", kernel.arguments[i]);
  }
}

void validate_files(const MachineConfig& config, Findings& findings) {
  for (std::size_t i = 0; i < config.files.size(); ++i) {
    const std::string where = pointer_to("/config/files", i);
    findings.expect(is_user_name(config.files[i].owner), where + "/owner", "a user name",
                    config.files[i].owner);
    findings.expect(is_mode(config.files[i].mode), where + "/mode", "a mode such as '0644'",
                    config.files[i].mode);
  }
  each_named(config.secrets, "/config/secrets", findings,
             [&](const SecretReference& secret, const std::string& where) {
               if (secret.version == 0)
                 findings.add(where + "/version", "expected 1 or more, found 0");
               findings.expect(is_user_name(secret.owner), where + "/owner", "a user name",
                               secret.owner);
               findings.expect(is_mode(secret.mode) && secret.mode.back() == '0', where + "/mode",
                               "a mode that others cannot read, such as '0600'", secret.mode);
             });
}

void validate_arguments(const MachineConfig& config, Findings& findings) {
  for (const auto& [component, arguments] : config.component_arguments) {
    const std::string where = pointer_to("/config/componentArguments", component);
    const bool known =
        std::find(std::begin(components), std::end(components), component) != std::end(components);
    findings.expect(known, where, fmt::format("one of {}", fmt::join(components, ", ")), component);
    for (const auto& [flag, value] : arguments) {
      const std::string here = pointer_to(where, flag);
      findings.expect(is_dns_label(flag), here, "a flag without its dashes, such as 'v'", flag);
      findings.expect(!has_control_characters(value), here, "a value in one line", value);
      const std::string_view owner = owner_of_flag(component, flag);
      if (!owner.empty()) {
        findings.add(here, fmt::format("expected a flag that is the operator's: {}", owner));
      }
    }
  }
}

void validate_duties(const NodeDocument& document, Findings& findings) {
  const MachineConfig& config = document.config;
  if (!is_control_plane(document.role.role)) {
    if (!config.addons.empty()) {
      findings.add("/config/addons", "expected none, since only the control plane applies addons");
    }
    if (!config.banned_machines.empty()) {
      findings.add("/config/bannedMachines", "expected none, since only the control plane bans");
    }
    return;
  }
  each_named(config.addons, "/config/addons", findings,
             [&](const AddonSpec& addon, const std::string& where) {
               if (addon.manifest.empty()) {
                 findings.add(where + "/manifest", "expected Kubernetes YAML, found nothing");
               }
               for (std::size_t i = 0; i < addon.waits_for.size(); ++i) {
                 const std::string& target = addon.waits_for[i];
                 const auto slashes = std::count(target.begin(), target.end(), '/');
                 findings.expect((slashes == 1 || slashes == 2) && is_relative_path(target),
                                 pointer_to(where + "/waitsFor", i), "'kind/namespace/name'",
                                 target);
               }
             });
  for (std::size_t i = 0; i < config.banned_machines.size(); ++i) {
    findings.expect(is_dns_name(config.banned_machines[i]), pointer_to("/config/bannedMachines", i),
                    "the name of a machine", config.banned_machines[i]);
  }
}

}  // namespace

void validate_labels(const std::map<std::string, std::string>& labels, const std::string& where,
                     Findings& findings) {
  for (const auto& [key, value] : labels) {
    const std::string here = pointer_to(where, key);
    findings.expect(is_label_key(key), here, "a label key", key);
    findings.expect(is_label_value(value), here, "a label value", value);
  }
}

void validate_taints(const std::vector<Taint>& taints, const std::string& where,
                     Findings& findings) {
  for (std::size_t i = 0; i < taints.size(); ++i) {
    const Taint& taint = taints[i];
    const std::string here = pointer_to(where, i);
    findings.expect(is_label_key(taint.key), here + "/key", "a label key", taint.key);
    findings.expect(is_label_value(taint.value), here + "/value", "a label value", taint.value);
    findings.expect(taint.effect == "NoSchedule" || taint.effect == "PreferNoSchedule" ||
                        taint.effect == "NoExecute",
                    here + "/effect", "NoSchedule, PreferNoSchedule or NoExecute", taint.effect);
  }
}

void validate_config(const NodeDocument& document, Findings& findings) {
  const MachineConfig& config = document.config;
  validate_releases(config, findings);
  validate_state_disk(config, findings);
  validate_kubelet(config.kubelet, findings);
  validate_containerd(config, findings);
  validate_kernel(config.kernel, findings);
  validate_files(config, findings);
  validate_arguments(config, findings);
  validate_duties(document, findings);
}

}  // namespace muster
