#include "agent/duties/addon_record.hpp"

#include <nlohmann/json.hpp>

#include "document/strict_json.hpp"

namespace muster {
namespace {

using nlohmann::json;

json to_json(const AppliedAddon& addon) {
  json objects = json::array();
  for (const AppliedObject& object : addon.objects) {
    objects.push_back({object.id.kind, object.id.space, object.id.name, object.fields});
  }
  json value = {{"specification", addon.specification}, {"objects", objects}};
  if (addon.put_back > 0) {
    value["putBack"] = addon.put_back;
    value["putBackAt"] = addon.put_back_at;
  }
  return value;
}

json to_json(const AddonRecord& record) {
  json value = {{"addons", json::object()}};
  for (const auto& [name, addon] : record.addons) value["addons"][name] = to_json(addon);
  if (!record.kinds.empty()) value["kinds"] = record.kinds;
  if (!record.unlabelled) return value;
  value["unlabelled"] = json::array();
  for (const ClusterObject& object : *record.unlabelled) {
    value["unlabelled"].push_back(
        {object.api_version, object.id.kind, object.id.space, object.id.name});
  }
  return value;
}

// These throw what nlohmann throws; parse_record converts.
AppliedAddon addon_of(const json& value) {
  AppliedAddon addon;
  addon.specification = value.at("specification");
  addon.put_back = value.value("putBack", 0);
  addon.put_back_at = value.value("putBackAt", std::int64_t{0});
  for (const json& row : value.at("objects")) {
    addon.objects.push_back({{row.at(0), row.at(1), row.at(2)}, row.at(3)});
  }
  return addon;
}

AddonRecord record_of(const json& value) {
  AddonRecord record;
  for (const auto& [name, addon] : value.at("addons").items()) {
    record.addons[name] = addon_of(addon);
  }
  record.kinds = value.value("kinds", std::set<std::string>());
  if (!value.contains("unlabelled")) return record;
  record.unlabelled.emplace();
  for (const json& row : value.at("unlabelled")) {
    ClusterObject object;
    object.api_version = row.at(0);
    object.id = {row.at(1), row.at(2), row.at(3)};
    record.unlabelled->push_back(std::move(object));
  }
  return record;
}

}  // namespace

const ObjectId& record_id() {
  static const ObjectId id{"ConfigMap", "kube-system", "muster-addons"};
  return id;
}

const std::set<std::string>& common_kinds() {
  static const std::set<std::string> kinds = {"ClusterRole.rbac.authorization.k8s.io",
                                              "ClusterRoleBinding.rbac.authorization.k8s.io",
                                              "ConfigMap",
                                              "CronJob.batch",
                                              "CustomResourceDefinition.apiextensions.k8s.io",
                                              "DaemonSet.apps",
                                              "Deployment.apps",
                                              "Job.batch",
                                              "Namespace",
                                              "PodDisruptionBudget.policy",
                                              "Role.rbac.authorization.k8s.io",
                                              "RoleBinding.rbac.authorization.k8s.io",
                                              "Secret",
                                              "Service",
                                              "ServiceAccount",
                                              "StatefulSet.apps"};
  return kinds;
}

std::string record_object(const AddonRecord& record) {
  return json({{"apiVersion", "v1"},
               {"kind", record_id().kind},
               {"metadata",
                {{"name", record_id().name},
                 {"namespace", record_id().space},
                 {"labels", {{addon_label, record_addon}}}}},
               {"data", {{"muster.addons", canonical_text(to_json(record))}}}})
      .dump();
}

std::optional<AddonRecord> parse_record(std::string_view text) {
  const auto value = parse_strict_json("the record of the addons", text, {2u << 20, 8});
  if (!value) return std::nullopt;
  try {
    return record_of(*value);
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace muster
