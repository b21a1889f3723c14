// The plan's whole vocabulary. A new kind of action does not compile until apply and the plan
// printer handle it.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "machine/desired_state.hpp"

namespace muster {

// Download what is missing, verify, move into place, install its .debs, switch the "current" link.
struct InstallRelease {
  ReleaseReference release;
};
// Download, verify, move into place, ahead of the machine's turn: nothing runs of it yet.
struct BringReleases {
  std::vector<ReleaseReference> releases;
};
// An account of the machine, for a component that is not root.
struct MakeAccount {
  std::string name;
};
// Make keys, ask the server, put key and certificate behind one link.
struct ObtainCertificates {
  std::vector<CertificateSpec> certificates;
};
struct FetchSecret {
  SecretReference secret;
  bool compares = false;  // what is there may be right: then only its digest is noted
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
// Of a file of ours that is in no document: its mode and owner, and its text where somebody changed
// it.
struct CorrectFile {
  std::string path, owner;
  std::uint32_t mode = 0;
  std::optional<std::string> text;
};
struct ReloadServiceManager {};
struct StartUnits {
  std::vector<std::string> units;
  std::chrono::seconds deadline{60};
  std::set<std::string> as_before;  // of them: what they wait for their turn with is held back
};
struct RestartUnits {
  std::vector<std::string> units;
  std::chrono::seconds deadline{60};
  bool puts_back = false;  // what fell out of effect: no document asked for it
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

using Action =
    std::variant<InstallRelease, BringReleases, MakeAccount, ObtainCertificates, FetchSecret,
                 MakeDirectory, WriteFile, RemovePath, CorrectFile, ReloadServiceManager,
                 StartUnits, RestartUnits, ReloadUnits, StopUnits, ImportImage>;

enum class Cost { none, restart, drain, reboot };

struct PlannedAction {
  Action action;
  Cost cost = Cost::none;
  std::string reason;  // "content differs", "not active", "kubelet.yaml changed"
};

struct Plan {
  std::vector<PlannedAction> actions;  // in order of execution
  std::vector<std::string> pending;    // what waits for a reboot or a turn on this running machine
  std::vector<std::string> next_boot;  // what a turn cannot do: it holds nothing else back
};

}  // namespace muster
