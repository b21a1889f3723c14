#include "cli/node_cluster.hpp"

#include <vector>

#include "cli/answer.hpp"
#include "inventory/suggest.hpp"

namespace muster {

namespace {

// ", did you mean 'n1'?"
std::string nearest_to(Session& session, const std::string& node) {
  constexpr int most_looked_at = 10000;
  const auto answer = session.ask("GET", fmt::format("nodes?limit={}", most_looked_at));
  if (!answer) return {};
  std::vector<std::string> names;
  for (const auto& row : list_at(*answer, "/nodes")) names.push_back(cell(row, "/node"));
  const std::string meant = did_you_mean(node, {names.begin(), names.end()});
  return meant.empty() ? meant : ", " + meant;
}

}  // namespace

Result<std::string> cluster_of(Session& session, const std::string& cluster,
                               const std::string& node) {
  if (!cluster.empty()) return cluster;
  const auto answer = session.ask("GET", "nodes?node=" + escape(node));
  if (!answer) return pass(answer.error());
  std::vector<std::string> clusters;
  for (const char* list : {"/nodes", "/banned"}) {
    for (const auto& row : list_at(*answer, list))
      if (cell(row, "/node") == node) clusters.push_back(cell(row, "/cluster"));
  }
  const auto& unread = list_at(*answer, "/unread");
  if (clusters.empty() && !unread.empty()) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "no cluster that can be read has a node '{}', and cluster '{}' cannot; say with --cluster if it is meant: {}",
            node, cell(unread.front(), "/cluster"), cell(unread.front(), "/reason")));
  }
  if (clusters.empty()) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "no cluster has a node '{}'{}; 'muster node list' shows them all. One that the inventory no longer lists needs --cluster",
            node, nearest_to(session, node)));
  }
  if (clusters.size() > 1) {
    return fail(ErrorKind::conflict,
                fmt::format("several clusters have a node '{}': {}; say which with --cluster", node,
                            fmt::join(clusters, ", ")));
  }
  return clusters.front();
}

std::string node_path(const std::string& cluster, const std::string& node) {
  return "nodes/" + escape(cluster) + "/" + escape(node);
}

}  // namespace muster
