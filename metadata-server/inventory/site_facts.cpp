#include "inventory/site_facts.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace muster {

namespace {
// Not in what an earlier program wrote.
void read_members(const nlohmann::json& read, SiteFacts& facts) {
  facts.is_started = read.value("started", false);
  for (const nlohmann::json& member : read.value("members", nlohmann::json::array()))
    facts.members.push_back({member.at("name").get<std::string>(),
                             member.at("pool").get<std::string>(),
                             parse_role(member.at("role").get<std::string>()).value_or(Role::node),
                             member.at("address").get<std::string>()});
  for (const auto& [node, drain] : read.value("drains", std::map<std::string, std::string>{}))
    facts.drains[node] = parse_drain(drain).value_or(Drain::none);
}
}  // namespace

std::string to_json(const SiteFacts& facts) {
  nlohmann::json catalogue = nlohmann::json::array();
  for (const CatalogueEntry& entry : facts.catalogue) {
    auto& row = catalogue.emplace_back(nlohmann::json{{"name", entry.name},
                                                      {"version", entry.version},
                                                      {"manifestDigest", entry.manifest_digest},
                                                      {"size", entry.size}});
    if (entry.missing > 0) row["missing"] = entry.missing;
  }
  nlohmann::json members = nlohmann::json::array();
  for (const PoolMember& member : facts.members)
    members.push_back({{"name", member.name},
                       {"pool", member.pool},
                       {"role", name(member.role)},
                       {"address", member.address}});
  nlohmann::json value{{"site", facts.site},
                       {"authorities", facts.authorities},
                       {"catalogue", catalogue},
                       {"secrets", facts.secrets},
                       {"podCidrs", *facts.pod_cidrs},
                       {"bannedMachines", facts.banned_machines},
                       {"departedMachines", facts.departed_machines},
                       {"members", members},
                       {"started", facts.is_started}};
  if (facts.identity_regions) value["identityRegions"] = *facts.identity_regions;
  if (!facts.pins.empty()) value["pins"] = facts.pins;
  if (!facts.upgrades.empty()) value["upgrades"] = facts.upgrades;
  for (const auto& [node, drain] : facts.drains) value["drains"][node] = name(drain);
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
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
           entry.at("manifestDigest").get<std::string>(), entry.at("size").get<std::uint64_t>(),
           entry.value("missing", std::uint64_t{0})});
    read.at("secrets").get_to(facts.secrets);
    read.at("podCidrs").get_to(facts.pod_cidrs.change());
    read.at("bannedMachines").get_to(facts.banned_machines);
    facts.departed_machines = read.value("departedMachines", facts.departed_machines);
    read_members(read, facts);
    facts.pins = read.value("pins", facts.pins);
    facts.upgrades = read.value("upgrades", facts.upgrades);
    if (read.contains("identityRegions"))
      facts.identity_regions = read.at("identityRegions").get<std::vector<std::string>>();
    return facts;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorKind::invalid,
                fmt::format("site facts: expected {{\"site\",\"authorities\",...}}, found: {}",
                            error.what()));
  }
}

}  // namespace muster
