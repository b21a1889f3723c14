#include <nlohmann/json.hpp>

#include <charconv>
#include <sstream>

#include "agent/hosts_file.hpp"
#include "agent/looks.hpp"
#include "agent/paths.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr const char* route_setter = "muster-routes.service";
constexpr std::size_t unreachable_at_most = 16;  // a link that is down has all of them

// hosts(5): the name of the peer with this address.
std::string peer_name_of(const DesiredState& desired, const std::string& wanted) {
  const auto* hosts = file_at(desired, paths::hosts);
  std::istringstream rows(hosts == nullptr ? std::string() : hosts->content);
  for (std::string address, name; rows >> address >> name;) {
    if (address == wanted) return name;
  }
  return "a peer";
}

// "10.244.3.0/24" -> "10.244.3.1": stands for every address of the network.
std::string first_address(const std::string& network) {
  const auto end = network.find('/');
  const auto dot = network.find_last_of('.', end);
  if (end == std::string::npos || dot == std::string::npos) return {};
  int last = 0;
  std::from_chars(network.data() + dot + 1, network.data() + end, last);
  return fmt::format("{}.{}", network.substr(0, dot), last + 1);
}

class RouteLook {
 public:
  RouteLook(const Sight& sight, Effects& effects) : sight_(sight), effects_(effects) {}

  void look(const DesiredFile& file) {
    const auto found = sight_.host.routes.ours();
    if (!found) return effects_.tell("routes", found.error().message);
    const auto wanted = wanted_routes(file);
    for (const auto& [network, gateway] : wanted) {
      const auto there = found->find(network);
      if (there != found->end() && there->second == gateway) {
        in_place_[first_address(network)] = gateway;
        continue;
      }
      const std::string what = there == found->end()
                                   ? std::string("missing")
                                   : fmt::format("via '{}', expected {}", there->second, gateway);
      look_at_gateway(network, gateway, what);
    }
    if (unreachable_ > unreachable_at_most) {
      effects_.tell("routes",
                    fmt::format("{} more with a gateway that no link of this machine leads to",
                                unreachable_ - unreachable_at_most));
    }
    for (const auto& [network, gateway] : *found) {
      if (wanted.count(network) == 0) {
        effects_.undone[route_setter].push_back(fmt::format("route {}: no longer wanted", network));
      }
    }
    look_where_packets_go();
  }

 private:
  // "CIDR via ADDRESS" a line; of two rows for one network the unit leaves the last one.
  [[nodiscard]] static std::map<std::string, std::string> wanted_routes(const DesiredFile& file) {
    std::map<std::string, std::string> wanted;
    std::istringstream rows(file.content);
    for (std::string network, via, gateway; rows >> network >> via >> gateway;) {
      wanted[network] = gateway;
    }
    return wanted;
  }

  // The kernel refuses a gateway that no link leads to: trying again would not help.
  void look_at_gateway(const std::string& network, const std::string& gateway,
                       const std::string& what) {
    const auto reached = sight_.host.routes.is_on_link(gateway);
    if (!reached || *reached) {
      effects_.undone[route_setter].push_back(fmt::format("route {}: {}", network, what));
      return;
    }
    if (++unreachable_ > unreachable_at_most) return;
    effects_.tell(
        fmt::format("route {}", network),
        fmt::format(
            "{}: expected an address of '{}' on a network of this machine, found {}; correct the address in the inventory, or this machine's network",
            what, peer_name_of(sight_.desired, gateway), gateway));
  }

  // A route that is not ours is not ours to remove: more specific, of a lower metric, or of another
  // table that a rule asks first.
  void look_where_packets_go() {
    std::vector<std::string> addresses;
    for (const auto& [address, gateway] : in_place_) addresses.push_back(address);
    const auto gateways = sight_.host.routes.gateways(addresses);
    if (!gateways) return effects_.tell("routes", gateways.error().message);
    std::vector<std::string> elsewhere;
    for (const auto& [address, gateway] : *gateways) {
      if (gateway == in_place_.at(address)) continue;
      elsewhere.push_back(fmt::format("{} of '{}' goes {}, expected via {}", address,
                                      peer_name_of(sight_.desired, in_place_.at(address)),
                                      gateway.empty() ? "elsewhere" : "via " + gateway,
                                      in_place_.at(address)));
    }
    if (elsewhere.empty()) return;
    effects_.tell(
        "foreign routes",
        in_short(elsewhere) +
            "; another route or rule stands before ours: find it with `ip route get ADDRESS`, `ip route show table all` and `ip rule`, and delete it where it comes from");
  }

  const Sight& sight_;
  Effects& effects_;
  std::map<std::string, std::string> in_place_;  // first address -> gateway of ours
  std::size_t unreachable_ = 0;
};

}  // namespace

void look_at_routes(const Sight& sight, Effects& effects) {
  const auto* file = file_at(sight.desired, paths::routes);
  if (file != nullptr) RouteLook(sight, effects).look(*file);
}

// What the unit noted of the table right after it made it, against what the monitor sees. The note
// names the unit's run, so that a look from before it counts for nothing.
void look_at_masquerade(const Sight& sight, Effects& effects) {
  if (file_at(sight.desired, paths::masquerade) == nullptr) return;
  const auto seen = fresh_finding(sight.host, "network");
  if (!seen) return;
  const auto note = sight.host.files.read(paths::masquerade_note, 256);
  std::string what;
  if (!note) {
    what = "nobody noted how it was made";
  } else if (text_at(*seen, "noted") == *note) {
    const std::string found = text_at(*seen, "found");
    if (found != note->substr(0, note->find(' '))) what = found.empty() ? "missing" : "changed";
  }
  if (!what.empty()) effects.undone[route_setter].push_back("table ip muster: " + what);
}

void look_at_hosts(const Sight& sight, Effects& effects) {
  const auto* file = file_at(sight.desired, paths::hosts);
  if (file == nullptr) return;
  const auto text = sight.host.files.read(hosts_path, hosts_limit);
  if (text && hosts_with(*text, file->content) == *text) return;
  effects.undone[route_setter].push_back(text ? "/etc/hosts: the peers' names differ"
                                              : text.error().message);
}

}  // namespace muster
