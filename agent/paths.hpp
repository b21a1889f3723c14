// Every path the agent reads or writes, once.
#pragma once

#include <string>
#include <string_view>

namespace muster::paths {

inline constexpr const char* settings = "/etc/muster/agent.json";
inline constexpr const char* state = "/var/lib/muster";  // 0700
inline constexpr const char* identity_key = "/var/lib/muster/identity/key.pem";
inline constexpr const char* identity_certificate = "/var/lib/muster/identity/certificate.pem";
inline constexpr const char* trust_cache = "/var/lib/muster/cache/trust.json";
inline constexpr const char* document_cache = "/var/lib/muster/cache/document.json";
inline constexpr const char* peers_cache = "/var/lib/muster/cache/peers.json";
inline constexpr const char* checkpoint = "/var/lib/muster/checkpoint.json";
inline constexpr const char* report_spool = "/var/lib/muster/spool";
inline constexpr const char* certificates = "/var/lib/muster/certificates";  // NAME/SERIAL/
inline constexpr const char* originals = "/var/lib/muster/originals";  // first contents of files
inline constexpr const char* identity = "/var/lib/muster/identity";    // -> identities/SERIAL
inline constexpr const char* identities =
    "/var/lib/muster/identities";  // SERIAL/{key,certificate}.pem
inline constexpr const char* downloads = "/var/lib/muster/downloads";
inline constexpr const char* releases = "/opt/muster/releases";  // NAME/VERSION/
inline constexpr const char* current = "/opt/muster/current";    // NAME -> ../releases/NAME/VERSION
inline constexpr const char* arguments = "/etc/muster/arguments";  // UNIT.env, one line ARGS=...
inline constexpr const char* kubernetes = "/etc/kubernetes";
inline constexpr const char* kubernetes_pki =
    "/etc/kubernetes/pki";  // NAME -> certificates/NAME/SERIAL
inline constexpr const char* kubelet_config = "/etc/kubernetes/kubelet.yaml";
inline constexpr const char* kubelet_dropins = "/etc/kubernetes/kubelet.conf.d";
inline constexpr const char* containerd_config = "/etc/containerd/config.toml";
inline constexpr const char* cni_config = "/etc/cni/net.d/10-muster.conflist";
inline constexpr const char* etcd_data = "/var/lib/etcd";
inline constexpr const char* routes = "/etc/muster/routes";  // "CIDR via ADDRESS" a line
inline constexpr const char* hosts = "/etc/muster/hosts";
inline constexpr const char* facts_root = "/";

// current/NAME/bin/PROGRAM
[[nodiscard]] inline std::string program(std::string_view release, std::string_view binary) {
  return std::string(current) + "/" + std::string(release) + "/bin/" + std::string(binary);
}

}  // namespace muster::paths
