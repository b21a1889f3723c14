// Flat metadata documents (document/flat_metadata.hpp) -> an inventory: the way of a site that has
// only instance metadata into Muster. Pure.
#pragma once

#include <map>
#include <string>

#include "document/flat_metadata.hpp"
#include "result/result.hpp"

namespace muster {

struct FlatTranslation {
  std::map<std::string, FlatMetadata> documents;  // file name -> what it says, one per machine
  std::map<std::string, std::string> addresses;   // host name, long or short -> IPv4 address
  std::string kubernetes_version;
};

// The YAML of one Cluster, called after the first label of BASE_DOMAIN, and of a Node for every
// machine that any document names: masters first, then followers, then nodes, each by name. One
// document is enough where there are no followers: those are named by their own documents alone.
// kind invalid: every contradiction between the documents and every name without an address, at
// once.
[[nodiscard]] Result<std::string> to_inventory_yaml(const FlatTranslation& input);

// "ADDRESS NAME NAME... # comment" a line, as hosts(5) has it; names of IPv6 addresses are left
// out.
[[nodiscard]] std::map<std::string, std::string> read_hosts(std::string_view text);

}  // namespace muster
