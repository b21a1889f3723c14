// What one machine is served: who it is (role), which key pairs it must hold (certificates), what
// it runs and how (config). Declarative; no secret is in it. The format is document/README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "document/release.hpp"
#include "document/taint.hpp"
#include "result/result.hpp"

namespace muster {

// master: the first control-plane machine. follower: every further one. node: a worker.
enum class Role { master, follower, node };
[[nodiscard]] std::string_view name(Role role);
// Accepts "masterFollower" as an alias of follower.
[[nodiscard]] Result<Role> parse_role(std::string_view text);
[[nodiscard]] inline bool is_control_plane(Role role) {
  return role != Role::node;
}

struct MachineAddress {
  std::string name;     // host name and Kubernetes node name
  std::string address;  // the machine's node IP
};

enum class EndpointMode { external, node_local };

// Where machines reach the API. node-local: HAProxy on every machine listens on 127.0.0.1:port and
// balances over the masters; host is then "127.0.0.1".
struct ApiEndpoint {
  EndpointMode mode = EndpointMode::node_local;
  std::string host;
  std::uint16_t port = 6443;
};

enum class PodNetwork { routed, none };

struct ClusterSettings {
  std::string name;
  std::string dns_domain;  // "cluster.local"
  std::string pod_cidr;    // of the whole cluster
  std::string service_cidr;
  std::string cluster_dns;  // the tenth address of service_cidr
  PodNetwork pod_network = PodNetwork::routed;
  ApiEndpoint api;
  std::uint16_t apiserver_port = 6443;  // what kube-apiserver itself listens on
  std::vector<MachineAddress> masters;  // in inventory order, the master first
  // Trusted CA certificates (PEM), by authority name: "cluster", "etcd", "front-proxy". Lists, so
  // that rotating one is adding one.
  std::map<std::string, std::vector<std::string>> authorities;
};

struct MachineIdentity {
  Role role = Role::node;
  std::string node;      // name
  std::string address;   // node IP
  std::string pod_cidr;  // of this machine; empty where pod_network is none
  std::vector<std::string>
      macs;  // of the NIC that carries `address`, lower case with colons; may be empty
  ClusterSettings cluster;
  std::string pool;  // of a NodePool's member, whose name the server chose; empty: a listed machine
};

enum class CertificateUsage { client, server };

struct CertificateSpec {
  std::string name;       // "kube-apiserver", unique within the document
  std::string authority;  // "cluster", "etcd", "front-proxy"
  // A folder (a link to the current version): tls.crt, tls.key, ca.crt lie in it.
  std::string path;
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<CertificateUsage> usages;
  std::chrono::seconds lifetime{std::chrono::hours(24 * 90)};
  std::string owner = "root";  // user that may read the key
  std::string mode = "0600";   // of tls.key
};

struct ReleaseReference {
  std::string name;
  std::string version;
  std::string manifest_digest;  // of the canonical release manifest (document/release.hpp)
  std::uint64_t size = 0;       // of all its artifacts
};

struct SecretReference {
  std::string name;
  std::uint64_t version = 0;
  std::string path;  // where the machine writes it
  std::string owner = "root";
  std::string mode = "0600";
};

struct KubeletSettings {
  std::map<std::string, std::string> labels;
  using Taint = muster::Taint;
  std::vector<Taint> taints;
  std::string reserved_policy = "gke";  // gke | eks | none
  std::map<std::string, std::string> eviction_hard;
  std::uint32_t max_pods = 110;
  // KubeletConfiguration drop-in: a JSON object, as canonical text (strict_json.hpp).
  std::string extra_configuration = "{}";
};

struct ContainerdSettings {
  std::map<std::string, std::vector<std::string>> registry_mirrors;  // registry host -> mirror URLs
  std::string sandbox_image = "registry.k8s.io/pause:3.10.2";
  // Registry host -> name of the secret that holds {"username","password"}.
  std::map<std::string, std::string> registry_credentials;
};

struct KernelSettings {
  std::vector<std::string> modules;
  std::map<std::string, std::string> sysctl;
  std::vector<std::string> arguments;  // of the next boot's command line, in order
};

struct FileSpec {
  std::string path, content, owner = "root", mode = "0644";
};

struct AddonSpec {
  std::string name;
  std::string manifest;                // Kubernetes YAML
  std::vector<std::string> waits_for;  // "deployment/kube-system/coredns"
};

// The disk that keeps the state of a machine that netboots: one of the three names it.
struct StateDisk {
  std::string serial, wwn, path;
  std::string create = "never";  // never | ifBlank | wipe
};
[[nodiscard]] bool operator==(const StateDisk& left, const StateDisk& right);

struct MachineConfig {
  std::vector<ReleaseReference> releases;
  // The image that the machine starts by, a release that it does not install; none: by its disk.
  std::optional<ReleaseReference> netboot;
  std::optional<StateDisk> state_disk;        // none: it keeps its state where it started from
  std::vector<std::string> artifact_mirrors;  // base URLs asked before the server's boot listener
  KubeletSettings kubelet;
  ContainerdSettings containerd;
  KernelSettings kernel;
  std::vector<FileSpec> files;
  std::vector<SecretReference> secrets;
  // Extra command-line arguments: component name -> flag (without dashes) -> value.
  std::map<std::string, std::map<std::string, std::string>> component_arguments;
  bool fail_on_swap = true;
  std::vector<AddonSpec> addons;  // control plane only
  // Control plane only: those that are banned, and those that left while their certificates are
  // valid. The API server refuses them, and the Nodes of those that left are removed.
  std::vector<std::string> banned_machines;
};

struct NodeDocument {
  std::string site;              // fingerprint of the site key, "sha256:..."
  std::uint64_t generation = 0;  // per node, grows only when the content changes
  MachineIdentity role;
  std::vector<CertificateSpec> certificates;
  MachineConfig config;
};

// Canonical JSON: keys sorted, no white space, UTF-8. Equal documents give equal bytes.
[[nodiscard]] std::string to_canonical_json(const NodeDocument& document);
// Reads and validates (see validate.hpp); the error lists every problem with its JSON pointer.
[[nodiscard]] Result<NodeDocument> parse_node_document(std::string_view json);

}  // namespace muster
