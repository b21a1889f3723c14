// What the duties compare: the Lease and the Node objects, read with one kubectl call. Pure but for
// the call itself.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/duties/kubectl.hpp"

namespace muster {

struct LeaseView {
  std::string resource_version;
  std::string holder;
  std::string renewed;  // RFC 3339 with microseconds, as it lies in the Lease
  int transitions = 0;
};

struct NodeView {
  std::string name;
  std::string resource_version;
  std::map<std::string, std::string> labels, annotations;
  nlohmann::json taints = nlohmann::json::array();
  bool is_unschedulable = false;
};

struct ClusterView {
  std::optional<LeaseView> lease;
  std::vector<NodeView> nodes;
};

inline constexpr const char* lease_name = "muster-duties";

[[nodiscard]] Result<ClusterView> read_cluster(const Kubectl& kubectl);
// The lines that read_cluster asks kubectl for; corrupt: a line is not what was asked for.
[[nodiscard]] Result<ClusterView> parse_cluster(std::string_view lines);

}  // namespace muster
