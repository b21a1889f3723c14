// A node document and its three parts as JSON, one .cpp each. Of this room only.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "document/json_object.hpp"
#include "document/node_document.hpp"

namespace muster {

[[nodiscard]] nlohmann::json document_to_json(const NodeDocument& document);

[[nodiscard]] nlohmann::json cluster_to_json(const ClusterSettings& cluster);
[[nodiscard]] nlohmann::json role_to_json(const MachineIdentity& role);
void read_role(JsonObject& object, MachineIdentity& role);

[[nodiscard]] nlohmann::json certificate_to_json(const CertificateSpec& certificate);
void read_certificate(JsonObject& object, CertificateSpec& certificate);

[[nodiscard]] nlohmann::json config_to_json(const MachineConfig& config);
void read_config(JsonObject& object, MachineConfig& config);

}  // namespace muster
