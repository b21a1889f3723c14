#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "agent/effects/hosts_file.hpp"
#include "agent/effects/looks.hpp"
#include "agent/paths.hpp"
#include "document/ipv4.hpp"
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

// The network of this machine's own pods, as the configuration of their bridge has it.
std::optional<Cidr> own_pods(const DesiredState& desired) {
  const auto* file = file_at(desired, paths::cni_config);
  if (file == nullptr) return std::nullopt;
  const auto json = nlohmann::json::parse(file->content, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const nlohmann::json::json_pointer subnet("/plugins/0/ipam/ranges/0/0/subnet");
  return parse_cidr(json.value(subnet, std::string()));
}

// `flags` as the kernel shows them: "0x1003".
bool is_link_up(const std::string& flags) {
  unsigned value = 0;
  const std::size_t digits = flags.rfind("0x", 0) == 0 ? 2 : 0;
  std::from_chars(flags.data() + digits, flags.data() + flags.size(), value, 16);
  constexpr unsigned up = 1;  // IFF_UP
  return (value & up) != 0;
}

}  // namespace

// The ends of pods' links that no bridge has: it was deleted under them, and whoever makes it anew
// (the next pod) does not take them in.
std::size_t links_without_bridge(const Filesystem& files) {
  const std::string folder = "/sys/class/net";
  const auto names = files.list(folder);
  if (!names) return 0;
  return static_cast<std::size_t>(
      std::count_if(names->begin(), names->end(), [&](const std::string& name) {
        return name.rfind("veth", 0) == 0 && !files.status(folder + "/" + name + "/master");
      }));
}

void look_at_own_pods(const Sight& sight, Effects& effects) {
  constexpr const char* bridge = "cni0";
  const auto pods = own_pods(sight.desired);
  const auto flags = sight.host.files.read(fmt::format("/sys/class/net/{}/flags", bridge), 32);
  if (!pods) return;
  if (const auto cut_off = links_without_bridge(sight.host.files); cut_off > 0) {
    return effects.tell(
        fmt::format("link {}", bridge),
        fmt::format(
            "{} pods of this machine are cut off: their links are in no bridge, since it was deleted under them; delete those pods, as by kubectl delete pods --all-namespaces --field-selector spec.nodeName={}",
            cut_off, sight.checkpoint.node));
  }
  // The bridge comes with the first pod.
  if (!flags) return;
  const std::string network = cidr_text(*pods);
  const std::string subject = fmt::format("link {}", bridge);
  constexpr const char* by_itself = "the next pod that starts here does so too";
  if (!is_link_up(*flags)) {
    return effects.tell(
        subject,
        fmt::format("down: expected it up, for this machine's pods in {}; ip link set {} up ({})",
                    network, bridge, by_itself));
  }
  const auto found = sight.host.routes.of_kernel(bridge);
  if (!found) return effects.tell("routes", found.error().message);
  const auto& addresses = found->addresses;
  const auto is_own = [&](const std::string& address) {
    const auto value = ipv4_value(address);
    return value && pods->contains(*value);
  };
  if (std::none_of(addresses.begin(), addresses.end(), is_own)) {
    return effects.tell(
        subject,
        fmt::format("expected an address in {}, found {}; ip address add {}/{} dev {} ({})",
                    network, addresses.empty() ? "none" : addresses.front(), nth_address(*pods, 1),
                    pods->prefix, bridge, by_itself));
  }
  const auto route = found->connected.find(network);
  const auto has = [&](const std::string& address) {
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
  };
  if (route == found->connected.end() || !has(route->second)) {
    const std::string what =
        route == found->connected.end()
            ? std::string("missing")
            : fmt::format("src '{}', expected an address of the link", route->second);
    effects.undone[route_setter].push_back(
        fmt::format("route {} dev {}: {}", network, bridge, what));
    return;
  }
  // Of a pod, not of the bridge: that one is the machine itself.
  const std::string pod = nth_address(*pods, has(nth_address(*pods, 2)) ? 1 : 2);
  const auto leaves = sight.host.routes.leaves_by(bridge, pod);
  if (!leaves) return effects.tell("routes", leaves.error().message);
  if (*leaves) return;
  effects.tell(
      "route " + network,
      fmt::format(
          "{0} of this machine's own pods goes elsewhere, expected by {1}; another route or rule stands before the kernel's: find it with `ip route get {0}`, `ip route show table all` and `ip rule`, and delete it where it comes from",
          pod, bridge));
}

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
