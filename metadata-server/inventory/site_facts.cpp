#include "inventory/site_facts.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace muster {

std::string to_json(const SiteFacts& facts) {
  nlohmann::json catalogue = nlohmann::json::array();
  for (const CatalogueEntry& entry : facts.catalogue)
    catalogue.push_back({{"name", entry.name},
                         {"version", entry.version},
                         {"manifestDigest", entry.manifest_digest},
                         {"size", entry.size}});
  return nlohmann::json{{"site", facts.site},
                        {"authorities", facts.authorities},
                        {"catalogue", catalogue},
                        {"secrets", facts.secrets},
                        {"podCidrs", facts.pod_cidrs},
                        {"bannedMachines", facts.banned_machines},
                        {"departedMachines", facts.departed_machines}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<SiteFacts> parse_site_facts(std::string_view json) {
  try {
    const nlohmann::json read = nlohmann::json::parse(json);
    SiteFacts facts;
    read.at("site").get_to(facts.site);
    read.at("authorities").get_to(facts.authorities);
    for (const nlohmann::json& entry : read.at("catalogue"))
      facts.catalogue.push_back(
          {entry.at("name").get<std::string>(), entry.at("version").get<std::string>(),
           entry.at("manifestDigest").get<std::string>(), entry.at("size").get<std::uint64_t>()});
    read.at("secrets").get_to(facts.secrets);
    read.at("podCidrs").get_to(facts.pod_cidrs);
    read.at("bannedMachines").get_to(facts.banned_machines);
    facts.departed_machines = read.value("departedMachines", facts.departed_machines);
    return facts;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::invalid,
                fmt::format("site facts: expected {{\"site\",\"authorities\",...}}, "
                            "found: {}",
                            error.what()));
  }
}

}  // namespace muster
