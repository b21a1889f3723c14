// A sound document, peer list and facts of a cluster with two masters and a node, for the tests of
// what the agent makes of them.
#pragma once

#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "machine/facts.hpp"

namespace muster {

inline NodeDocument example_document(Role role = Role::master) {
  NodeDocument document;
  document.site = "sha256:" + std::string(64, 'a');
  document.generation = 1;
  MachineIdentity& machine = document.role;
  machine.role = role;
  machine.node = role == Role::master ? "m1" : role == Role::follower ? "m2" : "n1";
  machine.address = role == Role::master     ? "10.77.0.11"
                    : role == Role::follower ? "10.77.0.12"
                                             : "10.77.0.21";
  machine.pod_cidr = role == Role::master     ? "10.64.0.0/24"
                     : role == Role::follower ? "10.64.1.0/24"
                                              : "10.64.2.0/24";
  ClusterSettings& cluster = machine.cluster;
  cluster.name = "lab";
  cluster.dns_domain = "cluster.local";
  cluster.pod_cidr = "10.64.0.0/16";
  cluster.service_cidr = "10.96.0.0/16";
  cluster.cluster_dns = "10.96.0.10";
  cluster.api = {EndpointMode::node_local, "127.0.0.1", 6443};
  cluster.masters = {{"m1", "10.77.0.11"}, {"m2", "10.77.0.12"}};
  for (const char* name : {"cluster", "etcd", "front-proxy"}) {
    cluster.authorities[name] = {std::string("-----BEGIN CERTIFICATE-----\n") + name +
                                 "\n-----END CERTIFICATE-----\n"};
  }
  for (const char* name : {"containerd", "runc", "cni-plugins", "kubernetes-node", "haproxy"}) {
    document.config.releases.push_back({name, "1.36.3", "sha256:" + std::string(64, 'b'), 1});
  }
  document.config.kubelet.labels = {{"rack", "r1"}, {"node-role.kubernetes.io/gpu", ""}};
  document.config.kubelet.taints = {{"dedicated", "ml", "NoSchedule"}};
  if (is_control_plane(role)) {
    document.config.releases.push_back({"etcd", "3.6.16", "sha256:" + std::string(64, 'c'), 1});
    document.config.releases.push_back(
        {"kubernetes-control-plane", "1.36.3", "sha256:" + std::string(64, 'd'), 1});
    document.config.secrets = {
        {"service-account-key", 1, "/etc/kubernetes/pki/service-account.key", "root", "0600"},
        {"encryption-configuration", 1, "/etc/kubernetes/encryption.yaml", "root", "0600"}};
  }
  return document;
}

inline PeerList example_peers() {
  PeerList list;
  list.site = "sha256:" + std::string(64, 'a');
  list.cluster = "lab";
  list.generation = 1;
  list.peers = {
      {"m1", "10.77.0.11", "10.64.0.0/24", {}, {}},
      {"m2", "10.77.0.12", "10.64.1.0/24", {}, {}},
      {"n1", "10.77.0.21", "10.64.2.0/24", {{"rack", "r1"}}, {{"dedicated", "ml", "NoSchedule"}}}};
  return list;
}

inline Facts example_facts() {
  Facts facts;
  facts.hostname = "m1";
  facts.cpus = 4;
  facts.memory_bytes = 16ull << 30;
  return facts;
}

}  // namespace muster
