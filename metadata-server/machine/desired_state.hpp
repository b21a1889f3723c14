// What the machine should be, as data. roles/ and machine/ produce it from a document, a peer list
// and facts, pure; plan compares it with what is there. Order in `units` is for reading; systemd's
// own ordering between the units decides.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "document/node_document.hpp"

namespace muster {

inline constexpr const char* etcd_user = "etcd";

struct DesiredDirectory {
  std::string path;
  std::string owner = "root";
  std::uint32_t mode = 0755;
};

struct DesiredFile {
  std::string path, content;
  std::string owner = "root";
  std::uint32_t mode = 0644;
  bool is_secret = false;  // content never shown in a plan, report or log
};

// A component unit. It is (re)started when it is not active, or when any of these inputs is not
// what it was last started with.
struct DesiredUnit {
  std::string name;                     // "kubelet.service"
  std::vector<std::string> restart_on;  // paths of desired files
  std::vector<std::string> reload_on;   // paths; applied at once on a running machine
  std::vector<std::string> releases;    // names; another version needs a restart
  std::vector<std::string> tools;  // names of releases that it starts programs of: switched with it
  std::chrono::seconds deadline{60};
  bool restart_is_harmless = false;  // a oneshot or a unit whose restart disturbs nobody
};

struct DesiredState {
  std::vector<ReleaseReference> releases;
  std::vector<CertificateSpec> certificates;
  std::vector<SecretReference> secrets;
  std::vector<DesiredDirectory> directories;
  std::vector<DesiredFile> files;
  std::vector<DesiredUnit> units;
  std::vector<std::uint16_t> ports;         // that the components will bind: free, or ours already
  std::vector<std::string> kernel_modules;  // must be there: loaded or built in
  // Words that the command line of a machine that netboots is to have, its image's name among them.
  std::vector<std::string> kernel_arguments;
};

}  // namespace muster
