// A complete, sound document per role, in which every list and map has an entry.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

#include "document/node_document.hpp"

namespace muster::sample {

inline const std::string digest_a = "sha256:" + std::string(64, 'a');
inline const std::string pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

inline ClusterSettings cluster() {
  ClusterSettings cluster;
  cluster.name = "lab";
  cluster.dns_domain = "cluster.local";
  cluster.pod_cidr = "10.244.0.0/16";
  cluster.service_cidr = "10.96.0.0/16";
  cluster.cluster_dns = "10.96.0.10";
  cluster.api = {EndpointMode::node_local, "127.0.0.1", 6443};
  cluster.apiserver_port = 6444;
  cluster.masters = {{"m1", "10.77.0.11"}, {"m2", "10.77.0.12"}};
  cluster.authorities = {{"cluster", {pem}}, {"etcd", {pem, pem}}};
  return cluster;
}

inline NodeDocument worker() {
  NodeDocument document;
  document.site = digest_a;
  document.generation = 7;
  document.role = {Role::node, "n1", "10.77.0.21", "10.244.3.0/24", {"52:54:00:aa:bb:01"},
                   cluster(),  {}};
  document.certificates = {{"kubelet-client",
                            "cluster",
                            "/etc/kubernetes/pki/kubelet-client",
                            "system:node:n1",
                            {"system:nodes", "muster:machine:n1"},
                            {},
                            {},
                            {CertificateUsage::client}}};
  document.config.releases = {{"containerd", "2.4.2", digest_a, 123456}};
  return document;
}

inline NodeDocument master() {
  NodeDocument document = worker();
  document.role.role = Role::master;
  document.role.node = "m1";
  document.role.address = "10.77.0.11";
  document.certificates.push_back({"etcd-server",
                                   "etcd",
                                   "/etc/kubernetes/pki/etcd-server",
                                   "m1",
                                   {},
                                   {"m1", "localhost"},
                                   {"127.0.0.1", "::1", "10.77.0.11"},
                                   {CertificateUsage::server, CertificateUsage::client},
                                   std::chrono::hours(24),
                                   "etcd",
                                   "0400"});
  MachineConfig& config = document.config;
  config.artifact_mirrors = {"https://mirror.example/muster"};
  config.kubelet.labels = {{"topology.kubernetes.io/zone", "rack-3"}};
  config.kubelet.taints = {{"gpu", "", "NoSchedule"}};
  config.kubelet.eviction_hard = {{"memory.available", "100Mi"}};
  config.kubelet.extra_configuration = R"({"podPidsLimit":4096,"serializeImagePulls":false})";
  config.containerd.registry_mirrors = {{"docker.io", {"https://mirror.example"}}};
  config.containerd.registry_credentials = {{"registry.example", "pull"}};
  config.kernel.modules = {"br_netfilter", "overlay"};
  config.kernel.sysctl = {{"net.ipv4.ip_forward", "1"}};
  config.files = {{"/etc/motd", "grüß dich\n", "root", "0644"}};
  config.secrets = {{"pull", 2, "", "root", "0600"},
                    {"service-account-key", 1, "/etc/kubernetes/pki/service-account.key"}};
  config.component_arguments = {{"kube-apiserver", {{"v", "2"}}}};
  config.addons = {{"coredns", "kind: Deployment\n", {"deployment/kube-system/coredns"}}};
  config.banned_machines = {"n9"};
  return document;
}

// The bytes of tests/<path> without the newline at their end.
inline std::string golden(const std::string& path) {
  std::ifstream file(std::string(MUSTER_TESTS_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  std::string bytes = text.str();
  if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
  return bytes;
}

}  // namespace muster::sample
