// What a machine of a pool is started with: cloud-config that installs the agent and tells it whom
// to trust. It holds a join token, and nothing else that is secret. Pure.
#pragma once

#include <optional>
#include <string>

#include "document/trust_list.hpp"

namespace muster {

struct UserDataInput {
  std::string cluster, pool;
  std::string pin;          // of the site key
  ServerAddresses servers;  // boot: where the agent is fetched
  std::string token;
  std::string agent_digest;  // of the agent's Debian package; empty: the image carries the agent
};

// Valid by `cloud-init schema`. What is fetched over plain HTTP is compared with the digest here
// before anything of it runs; a machine that has an agent already fetches nothing.
[[nodiscard]] std::string user_data(const UserDataInput& input);

}  // namespace muster
