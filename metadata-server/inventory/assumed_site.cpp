#include "inventory/assumed_site.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "inventory/own_secrets.hpp"
#include "inventory/pool_members.hpp"
#include "inventory/secret_names.hpp"

namespace muster {

namespace {

void add_secrets(const Value& value, std::map<std::string, std::uint64_t>& secrets) {
  std::set<std::string> names;
  add_secret_names(value, names);
  for (const auto& name : names) secrets[name] = 1;
}

// 192.0.2.0/24 and what follows: documentation's.
std::string made_up_address(std::size_t index) {
  return fmt::format("192.0.{}.{}", 2 + index / 250, 1 + index % 250);
}

void add_members(const NodePool& pool, SiteFacts& facts) {
  const bool is_of_masters = is_control_plane(pool.role.value);
  const int members = is_of_masters ? std::max(1, pool.minimum.value) : 1;
  for (int index = 1; index <= members; ++index) {
    const Role role = is_of_masters && index > 1 ? Role::follower : pool.role.value;
    facts.members.push_back(
        {member_name(pool, index), pool.name.value, role, made_up_address(facts.members.size())});
  }
}

}  // namespace

SiteFacts assumed_site(const Inventory& inventory, const std::string& cluster,
                       std::vector<CatalogueEntry> catalogue) {
  SiteFacts facts;
  facts.site = "sha256:" + std::string(64, '0');
  for (const char* name : {"cluster", "etcd", "front-proxy"})
    facts.authorities[name] = {
        "-----BEGIN CERTIFICATE-----\nof the site\n-----END CERTIFICATE-----\n"};
  facts.catalogue = std::move(catalogue);
  facts.secrets = {{std::string(service_account_key_secret), 1},
                   {std::string(encryption_configuration_secret), 1}};
  for (const auto& [name, profile] : inventory.profiles)
    add_secrets(profile.settings, facts.secrets);
  for (const Node* node : nodes_of(inventory, cluster)) add_secrets(node->overrides, facts.secrets);
  for (const NodePool* pool : pools_of(inventory, cluster)) {
    add_secrets(pool->overrides, facts.secrets);
    add_members(*pool, facts);
  }
  return facts;
}

}  // namespace muster
