// What Muster applied last, kept in the cluster itself, so that whoever holds the Lease can tell
// what is missing: ConfigMap kube-system/muster-addons, key "muster.addons". Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/duties/cluster_object.hpp"

namespace muster {

struct AppliedObject {
  ObjectId id;
  std::string fields;  // ClusterObject::fields when it was applied
  friend bool operator==(const AppliedObject&, const AppliedObject&) = default;
};

struct AppliedAddon {
  std::string specification;  // digest of the addon that is applied and rolled out; empty: not yet
  std::vector<AppliedObject> objects;
  // Others change or delete what it applied: how often it was put back, and when (Unix seconds).
  int put_back = 0;
  std::int64_t put_back_at = 0;
  friend bool operator==(const AppliedAddon&, const AppliedAddon&) = default;
};

struct AddonRecord {
  std::map<std::string, AppliedAddon> addons;  // by name
  std::set<std::string> kinds;  // beside common_kinds(), of what was applied and may be there still
  // Applied before Muster labelled what it applies, and in no addon now: api_version and id alone.
  // Nothing: not looked for yet.
  std::optional<std::vector<ClusterObject>> unlabelled;
};

// What the record bears as its addon; no addon can be called so.
inline constexpr const char* record_addon = "muster_record";
[[nodiscard]] const ObjectId& record_id();

// The kinds that addons consist of nearly always; looked for at each turn.
[[nodiscard]] const std::set<std::string>& common_kinds();

// The ConfigMap as JSON, for kubectl apply.
[[nodiscard]] std::string record_object(const AddonRecord& record);
// The value of its key. What cannot be read is as if it was not there, and applied anew.
[[nodiscard]] std::optional<AddonRecord> parse_record(std::string_view text);

}  // namespace muster
