// What the agent observes of the machine before it decides anything. Plain data: an input of the
// pure functions in roles/ and plan.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace muster {

struct NetworkInterface {
  std::string name, mac;               // mac: lower case with colons
  std::vector<std::string> addresses;  // without prefix length
};

struct Facts {
  std::string hostname, machine_id, boot_id;
  std::string uuid, serial;  // SMBIOS; empty where there is none
  std::string boot_image;    // "image-tower/20261202.050000" that it netbooted; empty: its disk's
  std::uint32_t cpus = 1;
  std::uint64_t memory_bytes = 0;
  int cgroup_version = 2;  // 1: legacy or hybrid hierarchy
  std::vector<std::string> missing_cgroup_controllers;
  bool swap_on = false;
  // What pods inherit their name servers from; /run/systemd/resolve/resolv.conf where
  // systemd-resolved runs, since its stub address is unreachable from a pod.
  std::string resolv_conf = "/etc/resolv.conf";
  std::vector<NetworkInterface> interfaces;
  std::vector<std::string> missing_kernel_modules;
  // TCP ports in use by something that is not a Muster component: port -> what holds it.
  std::map<std::uint16_t, std::string> foreign_ports;
};

// What the server decided about this master's etcd before the plan was made
// (client/metadata_client.hpp, EtcdTurnAnswer), resolved to what etcd must be started with.
struct EtcdStart {
  std::string state = "new";  // "new" | "existing"
  std::string
      initial_cluster;  // "m1=https://10.77.0.11:2380,..."; ignored by etcd once it has data
};

}  // namespace muster
