// Why a machine gets what it gets: each field of one node, its value and the layer that wrote it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inventory/objects.hpp"
#include "result/result.hpp"

namespace muster {

struct ExplainedField {
  std::string field;  // "kubelet.maxPods", "kubelet.labels[rack]", "address"
  std::string value;  // a secret reads "secret NAME"; never its value
  std::string layer;  // "default", "cluster lab", "profile rack-a", "node n1"
  Place place;        // without a file for a default
};

struct Explanation {
  std::string cluster, node;
  std::vector<ExplainedField> fields;  // in field order
};

// An empty cluster means the only cluster that has this node. A name that a pool gives is explained
// as the pool's member. not_found: no such node, with the
// nearest name; conflict: the name is in several clusters.
[[nodiscard]] Result<Explanation> explain(const Inventory& inventory, const std::string& cluster,
                                          const std::string& node);
// FIELD  VALUE  LAYER  PLACE, aligned, control characters escaped, long values cut.
[[nodiscard]] std::string to_table(const Explanation& explanation);
// {"cluster","node","fields":[{"field","value","layer","file","line","column"}]}
[[nodiscard]] std::string to_json(const Explanation& explanation);

}  // namespace muster
