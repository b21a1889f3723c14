// The objects that Muster applied, as the cluster has them. Pure but for the calls themselves.
#pragma once

#include <compare>
#include <set>
#include <string>
#include <vector>

#include "agent/duties/kubectl.hpp"

namespace muster {

// On every object that Muster applies: the name of its addon. What does not bear it is never
// pruned.
inline constexpr const char* addon_label = "muster.dev/addon";
// An annotation. "false", set by anybody: the object is never pruned. "true" in an addon's
// manifest: the consent to prune an object whose removal takes what people put into it along.
inline constexpr const char* prune_annotation = "muster.dev/prune";

// By whom the API server knows what Muster applied.
inline constexpr const char* field_manager = "muster";

struct ObjectId {
  std::string kind;   // with its group, as kubectl takes it: "Deployment.apps", "ConfigMap"
  std::string space;  // its namespace; empty: of the whole cluster
  std::string name;
  friend auto operator<=>(const ObjectId&, const ObjectId&) = default;
};

// "Deployment.apps kube-system/coredns", "Namespace monitoring"
[[nodiscard]] std::string to_text(const ObjectId& id);

struct ClusterObject {
  ObjectId id;
  std::string api_version;
  std::string addon;  // its label
  // Digest of which fields hold what Muster set: the API server takes a field from it when somebody
  // else gives it another value or removes it (server-side apply). Empty: Muster never applied it.
  std::string fields;
  // The same as if whoever scales it (HorizontalPodAutoscaler, not kubectl) had not taken
  // `replicas`.
  std::string unscaled_fields;
  std::string changed_by;    // whoever else wrote it last; empty where nobody did
  std::string record;        // what addon_record keeps in it
  bool is_going = false;     // is being deleted
  bool has_consent = false;  // prune_annotation "true", set by Muster itself
  bool is_kept = false;      // prune_annotation "false"
};

// Objects that bear addon_label, of `kinds` (ObjectId::kind), in every namespace: one kubectl call,
// and one more for each kind that the cluster does not know, which is taken out of `kinds`.
[[nodiscard]] Result<std::vector<ClusterObject>> labelled_objects(std::set<std::string>& kinds,
                                                                  const Kubectl& kubectl);

// Objects of `kinds` that Muster applied and that do not bear addon_label: api_version and id
// alone. Reads every object of these kinds in the cluster.
[[nodiscard]] Result<std::vector<ClusterObject>> unlabelled_objects(
    const std::set<std::string>& kinds, const Kubectl& kubectl);

// Those of `objects` that are there: one kubectl call.
[[nodiscard]] Result<std::vector<ClusterObject>> existing_objects(
    const std::vector<ClusterObject>& objects, const Kubectl& kubectl);

// Deletes them, and waits for none of them. What is gone already is no error.
[[nodiscard]] Result<void> delete_objects(const std::vector<ClusterObject>& objects,
                                          const Kubectl& kubectl);

// The argument by which kubectl get, and apply, print what parse_objects reads.
[[nodiscard]] std::string object_output();
// corrupt: a line is not what was asked for.
[[nodiscard]] Result<std::vector<ClusterObject>> parse_objects(std::string_view lines);

}  // namespace muster
