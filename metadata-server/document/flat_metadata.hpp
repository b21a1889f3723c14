// The flat metadata document of sites that set their machines up from instance metadata by scripts:
// what one machine is told of itself and of its cluster. Read by the agent (what was this machine
// told to be?) and by `muster translate` (which makes an inventory of it). Pure.
//
//   {"myRole": "master" | "masterFollower" | "node",       also "follower"
//    "myDomain": "node01.build126.example",                 this machine, within BASE_DOMAIN
//    "masterAddr": "master01.build126.example",             or an IPv4 address
//    "kubenodesAddr": "node01.build126.example node02...",  names, separated by white space
//    "domainsEnv": "BASE_DOMAIN=build126.example API_SERVER_DOMAIN=... ETCD_DOMAIN=...",
//    "muster": {...}}                                       the agent's settings, where it has any
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/json_object.hpp"
#include "document/node_document.hpp"
#include "result/result.hpp"

namespace muster {

struct FlatMetadata {
  Role role = Role::node;
  std::string node;    // first label of myDomain: the machine's name
  std::string domain;  // BASE_DOMAIN
  std::string api_server_domain, etcd_domain;
  std::string master;              // masterAddr as written
  std::vector<std::string> nodes;  // of kubenodesAddr, first labels
};

// Whether a JSON object is one.
[[nodiscard]] bool is_flat_metadata(const nlohmann::json& value);
// The five fields; what is wrong is a problem of `root`, and `muster` is left to the caller.
[[nodiscard]] FlatMetadata read_flat_metadata(JsonObject& root);
// The whole document, every problem at once; `what` names it.
[[nodiscard]] Result<FlatMetadata> parse_flat_metadata(std::string_view what,
                                                       std::string_view json);

}  // namespace muster
