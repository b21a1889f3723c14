#include "machine/credential_provider_config.hpp"

#include <algorithm>

#include "machine/yaml_text.hpp"

namespace muster {

std::string credential_provider_config(const NodeDocument& document) {
  Json registries = Json::array();
  Json arguments = Json::array({"registry-credentials"});
  const auto& secrets = document.config.secrets;
  for (const auto& [registry, name] : document.config.containerd.registry_credentials) {
    const auto secret = std::find_if(
        secrets.begin(), secrets.end(),
        [&wanted = name](const SecretReference& reference) { return reference.name == wanted; });
    if (secret == secrets.end()) continue;  // document validation refuses this
    registries.push_back(registry);
    arguments.push_back(registry + "=" + secret->path);
  }
  Json provider = {{"name", "muster-agent"},
                   {"apiVersion", "credentialprovider.kubelet.k8s.io/v1"},
                   {"matchImages", registries},
                   // Not cached: a rotated secret counts at the next pull.
                   {"defaultCacheDuration", "0s"},
                   {"args", arguments}};
  return yaml_text({{"apiVersion", "kubelet.config.k8s.io/v1"},
                    {"kind", "CredentialProviderConfig"},
                    {"providers", Json::array({provider})}});
}

}  // namespace muster
