// Which machines `GET /v1/operator/nodes` answers, a page at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "enrolment/machine.hpp"
#include "http/request.hpp"
#include "publish/current_documents.hpp"

namespace muster {

// "cluster", "node": these alone. "limit": at most so many; "after": those that follow the one that
// `next` of the answer before named.
struct NodeQuery {
  std::string cluster, node;
  NodeName after;
  std::size_t limit = 0;
};
[[nodiscard]] Result<NodeQuery> read_node_query(const Request& request);

// In name order. Cost: a look at each name of the cluster, and the page.
using NodePage = std::vector<std::pair<std::string, std::shared_ptr<const ServedAnswer>>>;
[[nodiscard]] NodePage page_of(const ServedCluster& served, const std::string& cluster,
                               const NodeQuery& query, std::size_t limit);
// By node, of those on the page that have a record, or a ban. Cost: the page,
// and the bans of the cluster.
[[nodiscard]] Result<std::map<std::string, FoundMachine>> machines_of(const Store& store,
                                                                      const std::string& cluster,
                                                                      const NodePage& page);

}  // namespace muster
