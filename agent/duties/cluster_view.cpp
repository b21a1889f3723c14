#include "agent/duties/cluster_view.hpp"

#include <array>

namespace muster {
namespace {

// Not -o json: a Node's status lists every image it has, and its managedFields are longer than all
// that is compared here. Maps print as JSON, absent ones as nothing.
constexpr const char* line_format =
    R"(jsonpath={range .items[*]}{.kind}{"\t"}{.metadata.name}{"\t"}{.metadata.resourceVersion})"
    R"({"\t"}{.metadata.labels}{"\t"}{.metadata.annotations}{"\t"}{.spec}{"\n"}{end})";
constexpr std::size_t columns = 6;

using Row = std::array<std::string_view, columns>;

bool split(std::string_view line, Row& row) {
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t tab = line.find('\t');
    if ((tab == std::string_view::npos) != (i + 1 == columns)) return false;
    row[i] = line.substr(0, tab);
    if (tab != std::string_view::npos) line.remove_prefix(tab + 1);
  }
  return true;
}

// Throws what nlohmann throws; parse_cluster converts.
nlohmann::json object_of(std::string_view text) {
  return text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text);
}

LeaseView lease_of(const Row& row) {
  const nlohmann::json spec = object_of(row[5]);
  LeaseView lease;
  lease.resource_version = std::string(row[2]);
  lease.holder = spec.value("holderIdentity", "");
  lease.renewed = spec.value("renewTime", "");
  lease.transitions = spec.value("leaseTransitions", 0);
  return lease;
}

NodeView node_of(const Row& row) {
  NodeView node;
  node.name = std::string(row[1]);
  node.resource_version = std::string(row[2]);
  node.labels = object_of(row[3]).get<std::map<std::string, std::string>>();
  node.annotations = object_of(row[4]).get<std::map<std::string, std::string>>();
  const nlohmann::json spec = object_of(row[5]);
  node.taints = spec.value("taints", nlohmann::json::array());
  node.is_unschedulable = spec.value("unschedulable", false);
  return node;
}

}  // namespace

Result<ClusterView> parse_cluster(std::string_view lines) {
  ClusterView view;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    if (line.empty()) continue;
    Row row;
    if (!split(line, row)) {
      return fail(ErrorKind::corrupt, fmt::format("kubectl get: expected {} columns, found '{}'",
                                                  columns, line.substr(0, 200)));
    }
    try {
      if (row[0] == "Node") view.nodes.push_back(node_of(row));
      if (row[0] == "Lease" && row[1] == lease_name) view.lease = lease_of(row);
    } catch (const nlohmann::json::exception& e) {
      return fail(ErrorKind::corrupt,
                  fmt::format("kubectl get: {} '{}': {}", row[0], row[1], e.what()));
    }
  }
  return view;
}

Result<ClusterView> read_cluster(const Kubectl& kubectl) {
  auto lines = kubectl.run({"get", "leases.coordination.k8s.io,nodes", "--namespace=kube-system",
                            "--output", line_format});
  if (!lines) return pass(lines.error());
  return parse_cluster(*lines);
}

}  // namespace muster
