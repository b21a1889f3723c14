// What the operator wrote, read and checked: plain structs, each field with its place. The field
// table (schema_table.cpp) says what may be written; README.md shows it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "document/node_document.hpp"
#include "document/on_delete.hpp"
#include "inventory/place.hpp"
#include "inventory/value.hpp"

namespace muster {

struct Addon {
  Sourced<std::string> name;
  std::string manifest;  // Kubernetes YAML, read from manifestFile where that was given
  std::vector<std::string> waits_for;
};

struct Cluster {
  Sourced<std::string> name;
  Sourced<std::string> kubernetes_version;
  Sourced<std::string> bootstrapper;  // "native"
  Sourced<EndpointMode> api_mode;
  Sourced<std::string> api_host;  // "127.0.0.1" where the mode is node_local
  Sourced<std::uint16_t> api_port;
  Sourced<std::string> pod_cidr;
  Sourced<int> pod_cidr_prefix;  // length of one machine's network
  Sourced<std::string> service_cidr;
  std::optional<Sourced<std::string>> node_cidr;
  std::optional<Sourced<std::string>> node_gateway;  // in node_cidr
  std::vector<Sourced<std::string>> nameservers;
  Sourced<std::string> dns_domain;
  Sourced<PodNetwork> pod_network;
  Sourced<std::string> etcd_topology;  // "stacked"
  // Component -> flag without dashes -> value.
  std::map<std::string, std::map<std::string, Sourced<std::string>>> component_arguments;
  std::map<std::string, Sourced<std::string>> releases;  // name -> version, where one is pinned
  std::vector<Sourced<std::string>> profiles;            // the lowest layers of every machine
  std::vector<Sourced<std::string>> artifact_mirrors;
  std::chrono::seconds certificate_lifetime{std::chrono::hours(24 * 90)};
  bool coredns = true;
  std::vector<Addon> addons;  // in order; without the default one
};

struct Profile {
  Sourced<std::string> name;
  Value settings;
  std::string digest;  // of the settings
};

struct Match {
  std::vector<Sourced<std::string>> macs;  // lower case with colons
  Sourced<std::string> uuid;               // lower case; empty where there is none
  Sourced<std::string> serial;
  Sourced<std::string> instance_id;
};

// Baseboard management controller.
struct Bmc {
  Sourced<std::string> mac;  // lower case with colons
  Sourced<std::string> address;
};

struct Node {
  Sourced<std::string> name;
  Sourced<std::string> cluster;
  Sourced<Role> role;
  Sourced<std::string> address;
  std::optional<Sourced<std::string>> pod_cidr;
  std::vector<Sourced<std::string>> profiles;
  Match match;
  std::optional<Bmc> bmc;
  std::string pool;  // of a pool's member; empty for a machine that is listed
  Value overrides;   // the highest layer; labels and taints of the node itself are merged into it
  std::string overrides_digest;  // empty where there are none
};

// Which EC2 instances a pool takes, by their instance identity document.
struct InstancePolicy {
  std::vector<Sourced<std::string>> accounts, regions;         // empty: none
  std::vector<Sourced<std::string>> images;                    // empty: any
  std::chrono::seconds maximum_age{std::chrono::minutes(15)};  // since the launch
  bool behind_nat = false;  // they reach the server from another address than they have
  Place place;
};
// No document is accepted that is older.
inline constexpr std::chrono::hours longest_instance_age{24};

// Machines that nobody lists: the server gives each that enrols a name, and keeps it (PoolMember).
struct NodePool {
  Sourced<std::string> name;
  Sourced<std::string> cluster;
  Sourced<Role> role;                 // master: the first member is the master, later ones follow
  Sourced<std::string> name_pattern;  // "ci-{index}"
  Sourced<int> minimum;  // of a master's pool: the members that the cluster starts with
  Sourced<int> maximum;
  Sourced<std::chrono::seconds> vanished_after;      // 0: never
  std::vector<Sourced<std::string>> proofs;          // all of them together; token is one
  std::optional<InstancePolicy> instance_identity;   // where it is one of the proofs
  std::vector<Sourced<std::string>> address_ranges;  // IPv4 networks
  std::vector<Sourced<std::string>> profiles;
  OnDelete on_delete = OnDelete::poweroff;  // what a member does when its time here is over
  // Of each member of role node, from its admission.
  std::optional<Sourced<std::chrono::seconds>> time_to_live;
  Value overrides;
  std::string overrides_digest;  // empty where there are none
};

// Only load() makes one, and only from objects without a mistake: clusters by name, nodes and pools
// in the order of (cluster, name), every name that is referred to is there.
struct Inventory {
  std::map<std::string, Cluster> clusters;
  std::map<std::string, Profile> profiles;
  std::vector<Node> nodes;
  std::vector<NodePool> pools;
  std::vector<InventoryProblem> warnings;  // sound, but likely not what was meant
};

// The nodes of one cluster, in name order; pointers into `inventory`. Cost: the cluster's nodes.
[[nodiscard]] std::vector<const Node*> nodes_of(const Inventory& inventory,
                                                const std::string& cluster);
[[nodiscard]] std::vector<const NodePool*> pools_of(const Inventory& inventory,
                                                    const std::string& cluster);

}  // namespace muster
