// One signed list per cluster of what changes as machines come and go: changing it changes routes
// and /etc/hosts and restarts nothing. Format: document/README.md, "Peer list".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "document/taint.hpp"
#include "result/result.hpp"

namespace muster {

// What is to become of a machine's pods: cordon takes no new ones, evict also sends those away that
// it has.
enum class Drain { none, cordon, evict };
[[nodiscard]] std::string_view name(Drain drain);
// cordon or evict: none is not written.
[[nodiscard]] Result<Drain> parse_drain(std::string_view text);

struct PeerEntry {
  std::string name;
  std::string address;
  std::string pod_cidr;  // empty where the pod network is "none"
  // As the inventory has them: the holder of the duties keeps the Node objects equal to these.
  std::map<std::string, std::string> labels;
  std::vector<Taint> taints;
  Drain drain = Drain::none;  // likewise; written only where it is another
};

struct PeerList {
  std::string site;
  std::string cluster;
  std::uint64_t generation = 0;
  std::vector<PeerEntry> peers;  // sorted by name
};

[[nodiscard]] std::string to_canonical_json(const PeerList& list);
[[nodiscard]] Result<PeerList> parse_peer_list(std::string_view json);

}  // namespace muster
