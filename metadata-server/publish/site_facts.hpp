// Gathers compile's second input from the store.
#pragma once

#include <string>
#include <vector>

#include "inventory/site_facts.hpp"
#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

// Of a cluster that was never published, its own authorities and secrets are not there yet.
// `site`: the pin. `banned_machines`: who refuses them is enrolment's knowledge.
[[nodiscard]] Result<SiteFacts> gather_site_facts(const Store& store, const std::string& site,
                                                  const std::string& cluster,
                                                  std::vector<std::string> banned_machines,
                                                  TimePoint now);

}  // namespace muster
