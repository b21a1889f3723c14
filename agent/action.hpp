// The plan's whole vocabulary. A new kind of action does not compile until apply and the plan
// printer handle it.
#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "machine/desired_state.hpp"

namespace muster {

// Download what is missing, verify, move into place, install its .debs, switch the "current" link.
struct InstallRelease {
  ReleaseReference release;
};
// Make keys, ask the server, put key and certificate behind one link.
struct ObtainCertificates {
  std::vector<CertificateSpec> certificates;
};
struct FetchSecret {
  SecretReference secret;
};
struct MakeDirectory {
  DesiredDirectory directory;
};
struct WriteFile {
  DesiredFile file;
};
struct RemovePath {
  std::string path;
};
struct ReloadServiceManager {};
struct StartUnits {
  std::vector<std::string> units;
  std::chrono::seconds deadline{60};
};
struct RestartUnits {
  std::vector<std::string> units;
  std::chrono::seconds deadline{60};
};
struct ReloadUnits {
  std::vector<std::string> units;
};
struct StopUnits {
  std::vector<std::string> units;
};
// Into containerd's k8s.io namespace.
struct ImportImage {
  std::string archive, digest;
};

using Action = std::variant<InstallRelease, ObtainCertificates, FetchSecret, MakeDirectory,
                            WriteFile, RemovePath, ReloadServiceManager, StartUnits, RestartUnits,
                            ReloadUnits, StopUnits, ImportImage>;

enum class Cost { none, restart, drain, reboot };

struct PlannedAction {
  Action action;
  Cost cost = Cost::none;
  std::string reason;  // "content differs", "not active", "kubelet.yaml changed"
};

struct Plan {
  std::vector<PlannedAction> actions;  // in order of execution
  std::vector<std::string> pending;    // what waits for a reboot or a turn on this running machine
};

}  // namespace muster
