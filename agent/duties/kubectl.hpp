// kubectl of the installed release, with one kubeconfig. The only door of the duties to the
// cluster.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "result/result.hpp"

namespace muster {

class Kubectl {
 public:
  // Both must outlive the object. Not thread-safe.
  Kubectl(Process& process, std::string kubeconfig);

  // What kubectl printed. forbidden, not_found, conflict (AlreadyExists too), unavailable and
  // timeout by what it said; invalid otherwise, with the end of what it said.
  [[nodiscard]] Result<std::string> run(
      std::vector<std::string> arguments, std::string input = {},
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;

 private:
  Process& process_;
  std::string kubeconfig_;
};

}  // namespace muster
