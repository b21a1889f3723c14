// User-data for a machine of the inventory: where its agent asks and whom it trusts. Pure.
#pragma once

#include <string>
#include <vector>

namespace muster {

// Both public. The pin arrives over plain HTTP: as trustworthy as the network that the machine
// boots from (README.md, "What a seed is worth").
struct SiteContact {
  std::string pin;                         // "sha256:..."
  std::vector<std::string> enrol_servers;  // "https://10.77.0.1:8443"
};

// Cloud-config (docs.cloud-init.io, module "Write Files") that writes /etc/muster/agent.json as
// agent/settings reads it, without a token.
[[nodiscard]] std::string agent_user_data(const SiteContact& site);

}  // namespace muster
