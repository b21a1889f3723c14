// What a machine is started with, one that the inventory lists and a pool's member alike:
// cloud-config that brings the agent and tells it whom to trust. Pure.
#pragma once

#include <string>
#include <vector>

namespace muster {

// What machines are told of this site. All of it is public; the pin arrives over plain HTTP: as
// trustworthy as the network that the machine boots from (README.md, "What a seed is worth").
struct SiteContact {
  std::string pin;                         // of the site key, "sha256:..."
  std::vector<std::string> enrol_servers;  // "https://10.77.0.1:8443"
  std::vector<std::string> boot_servers;   // "http://10.77.0.1:8080", where the agent is fetched
  std::string agent_digest;  // of the agent's Debian package; empty: the image carries the agent
};

// `whom`: for people, "cluster ci-42, pool workers". `token`: the only secret that it may hold, for
// a pool's member; empty for a listed machine, which waits for its approval. Valid by `cloud-init
// schema`. What is fetched over plain HTTP is compared with the digest here before anything of it
// runs; a machine that has an agent already fetches nothing.
[[nodiscard]] std::string user_data(const SiteContact& site, const std::string& whom,
                                    const std::string& token = {});

}  // namespace muster
