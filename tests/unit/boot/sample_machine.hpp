// A published inventory made by hand, for this room's tests.
#pragma once

#include "boot/boot_inventory.hpp"
#include "boot/user_data.hpp"

namespace sample {

inline muster::Node node(const std::string& cluster, const std::string& name,
                         const std::string& address, const std::vector<std::string>& macs = {}) {
  muster::Node made;
  made.cluster.value = cluster;
  made.name.value = name;
  made.address.value = address;
  for (const auto& mac : macs) made.match.macs.push_back({mac, {}});
  return made;
}

struct OneCluster {
  muster::Cluster cluster;
  std::vector<muster::Node> nodes;  // by name
};

inline OneCluster cluster(const std::string& name, std::vector<muster::Node> nodes) {
  OneCluster made;
  made.cluster.name.value = name;
  made.nodes = std::move(nodes);
  return made;
}

inline muster::BootInventory published(const std::vector<OneCluster>& clusters) {
  muster::BootInventory made;
  for (const auto& one : clusters) {
    auto inventory = std::make_shared<muster::Inventory>();
    inventory->clusters[one.cluster.name.value] = one.cluster;
    inventory->nodes = one.nodes;
    made = made.with(one.cluster.name.value, std::move(inventory));
  }
  return made;
}

inline muster::BootMachine machine(const std::vector<std::string>& macs = {"0c:c4:7a:80:09:1f"}) {
  const auto inventory = published({cluster("lab", {node("lab", "n1", "10.77.0.21", macs)})});
  return *inventory.at_address("10.77.0.21").machine;
}

inline const muster::SiteContact site{
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    {"https://10.77.0.1:8443", "https://[fd00::1]:8443"},
    {"http://10.77.0.1:8080"},
    "sha256:" + std::string(64, 'a')};

}  // namespace sample
