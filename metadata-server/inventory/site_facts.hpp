// What the server knows of one cluster and the inventory does not: compile's second input. The CLI
// fetches it (GET /v1/operator/site-facts) to compile away from the server. Nothing secret is in
// it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document/node_document.hpp"
#include "document/peer_list.hpp"
#include "inventory/pod_cidrs.hpp"
#include "result/result.hpp"

namespace muster {

// One release in the server's artifact store.
struct CatalogueEntry {
  std::string name;
  std::string version;
  std::string manifest_digest;
  std::uint64_t size = 0;     // bytes of all its artifacts
  std::uint64_t missing = 0;  // of its files, on the server's disk, where that was looked for
};

// One machine of a NodePool.
struct PoolMember {
  std::string name, pool;
  Role role = Role::node;
  std::string address;
};

struct SiteFacts {
  std::string site;  // fingerprint of the site key
  // Trusted CA certificates (PEM) by authority: "cluster", "etcd", "front-proxy".
  std::map<std::string, std::vector<std::string>> authorities;
  std::vector<CatalogueEntry> catalogue;
  // Release -> version that the cluster has by what is published: it stays where the inventory
  // writes none. Empty before the first publication.
  std::map<std::string, std::string> pins;
  std::vector<std::string> upgrades;             // releases that are to be the newest all the same
  std::map<std::string, std::uint64_t> secrets;  // name -> newest version
  PodCidrs pod_cidrs;                            // what was given before
  std::vector<std::string> banned_machines;
  // Machines that have left, or are served until this compile leaves them out: their certificates
  // outlive them, so that the API server must refuse them. Those that the inventory lists are not
  // meant.
  std::vector<std::string> departed_machines;
  std::vector<PoolMember> members;
  std::map<std::string, Drain> drains;  // node -> what an operator ordered
  // Machines are served documents already: whoever leaves now, the others keep theirs.
  bool is_started = false;
  // Regions whose instance identity documents the server verifies; nullopt: not asked for here.
  std::optional<std::vector<std::string>> identity_regions = std::nullopt;
};

// {"site","authorities","catalogue":[{"name","version","manifestDigest","size","missing"?}],"secrets",
//  "podCidrs","bannedMachines","departedMachines","members":[{"name","pool","role","address"}],
//  "drains","started","pins"?,"upgrades"?,"identityRegions"?}
[[nodiscard]] std::string to_json(const SiteFacts& facts);
[[nodiscard]] Result<SiteFacts> parse_site_facts(std::string_view json);

}  // namespace muster
