#include "agent/effects.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

#include "agent/full_disks.hpp"
#include "agent/paths.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr const char* route_setter = "muster-routes.service";
constexpr std::size_t largest_finding = 64u << 10;
constexpr std::size_t named_at_most = 3;
constexpr std::size_t unreachable_at_most = 16;  // a link that is down has all of them

const DesiredFile* file_at(const DesiredState& desired, std::string_view path) {
  for (const auto& file : desired.files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

// "10.244.3.0/24: missing, 10.244.4.0/24: missing and 12 more"
std::string in_short(const std::vector<std::string>& reasons) {
  std::string text;
  for (std::size_t i = 0; i < std::min(reasons.size(), named_at_most); ++i) {
    text += (i == 0 ? "" : ", ") + reasons[i];
  }
  if (reasons.size() > named_at_most) {
    text += fmt::format(" and {} more", reasons.size() - named_at_most);
  }
  return text;
}

// hosts(5): the name of the peer with this address.
std::string name_of(const DesiredState& desired, const std::string& wanted) {
  const auto* hosts = file_at(desired, paths::hosts);
  std::istringstream rows(hosts == nullptr ? std::string() : hosts->content);
  for (std::string address, name; rows >> address >> name;) {
    if (address == wanted) return name;
  }
  return "a peer";
}

class Look {
 public:
  Look(const Host& host, const DesiredState& desired) : host_(host), desired_(desired) {}

  Effects look() {
    look_at_routes();
    look_at_masquerade();
    look_at_hosts();
    look_at_disks();
    for (const auto* monitor : {"kubelet", "runtime"}) look_at_finding(monitor);
    if (!undone_.empty()) effects_.undone[route_setter] = in_short(undone_);
    return std::move(effects_);
  }

 private:
  void add_unwell(std::string subject, std::string message) {
    effects_.unwell.push_back({std::move(subject), std::move(message), 0});
  }

  // A poll without news writes nothing that could fail.
  void look_at_disks() {
    const std::string full = full_disks(host_.files, 1);
    if (!full.empty()) add_unwell("disk", fmt::format("no room on the file system of {}", full));
  }

  // "CIDR via ADDRESS" a line; of two rows for one network the unit leaves the last one.
  [[nodiscard]] std::map<std::string, std::string> wanted_routes(const DesiredFile& file) const {
    std::map<std::string, std::string> wanted;
    std::istringstream rows(file.content);
    for (std::string network, via, gateway; rows >> network >> via >> gateway;) {
      wanted[network] = gateway;
    }
    return wanted;
  }

  void look_at_routes() {
    const auto* file = file_at(desired_, paths::routes);
    if (file == nullptr) return;
    const auto found = host_.routes.ours();
    if (!found) return add_unwell("routes", found.error().message);
    const auto wanted = wanted_routes(*file);
    for (const auto& [network, gateway] : wanted) {
      const auto there = found->find(network);
      if (there != found->end() && there->second == gateway) continue;
      const std::string what = there == found->end()
                                   ? std::string("missing")
                                   : fmt::format("via '{}', expected {}", there->second, gateway);
      look_at_gateway(network, gateway, what);
    }
    if (unreachable_ > unreachable_at_most) {
      add_unwell("routes",
                 fmt::format("{} more with a gateway that no link of this machine leads to",
                             unreachable_ - unreachable_at_most));
    }
    for (const auto& [network, gateway] : *found) {
      if (wanted.count(network) == 0) {
        undone_.push_back(fmt::format("route {}: no longer wanted", network));
      }
    }
  }

  // The kernel refuses a gateway that no link leads to: trying again would not help.
  void look_at_gateway(const std::string& network, const std::string& gateway,
                       const std::string& what) {
    const auto reached = host_.routes.is_on_link(gateway);
    if (!reached || *reached) {
      undone_.push_back(fmt::format("route {}: {}", network, what));
      return;
    }
    if (++unreachable_ > unreachable_at_most) return;
    add_unwell(
        fmt::format("route {}", network),
        fmt::format(
            "{}: expected an address of '{}' on a network of this machine, found {}; correct the address in the inventory, or this machine's network",
            what, name_of(desired_, gateway), gateway));
  }

  // What the unit noted of the table right after it made it, against what the monitor sees. The
  // note names the unit's run, so that a look from before it counts for nothing.
  void look_at_masquerade() {
    if (file_at(desired_, paths::masquerade) == nullptr) return;
    const auto seen = finding("network");
    if (!seen) return;
    const auto note = host_.files.read(paths::masquerade_note, 256);
    if (!note) {
      undone_.emplace_back("table ip muster: nobody noted how it was made");
      return;
    }
    if (text_at(*seen, "noted") != *note) return;
    const std::string made = note->substr(0, note->find(' '));
    if (text_at(*seen, "found") == made) return;
    undone_.emplace_back(text_at(*seen, "found").empty() ? "table ip muster: missing"
                                                         : "table ip muster: changed");
  }

  void look_at_hosts() {
    const auto* file = file_at(desired_, paths::hosts);
    if (file == nullptr) return;
    const auto text = host_.files.read("/etc/hosts", 16u << 20);
    const std::string block = file->content.empty()
                                  ? std::string()
                                  : "# muster begin\n" + file->content + "# muster end\n";
    if (text && block_in(*text) == block) return;
    undone_.emplace_back(text ? "/etc/hosts: the peers' names differ" : text.error().message);
  }

  static std::string block_in(const std::string& hosts) {
    const std::string begin = "# muster begin\n", end = "# muster end\n";
    const auto from = hosts.find(begin);
    if (from == std::string::npos) return {};
    const auto to = hosts.find(end, from);
    return hosts.substr(from, to == std::string::npos ? to : to + end.size() - from);
  }

  [[nodiscard]] std::optional<nlohmann::json> finding(std::string_view monitor) const {
    const std::string path = fmt::format("{}/{}.json", paths::monitor_state, monitor);
    const auto text = host_.files.read(path, largest_finding);
    if (!text) return std::nullopt;
    auto json = parse_strict_json(path, *text, {largest_finding});
    if (!json || !json->is_object()) return std::nullopt;
    return std::move(*json);
  }

  void look_at_finding(std::string_view monitor) {
    const auto found = finding(monitor);
    if (!found || !found->contains("healthy") || (*found)["healthy"] != false) return;
    add_unwell("unit " + text_at(*found, "unit"), text_at(*found, "message"));
  }

  const Host& host_;
  const DesiredState& desired_;
  Effects effects_;
  std::vector<std::string> undone_;
  std::size_t unreachable_ = 0;
};

}  // namespace

Effects observe_effects(const Host& host, const DesiredState& desired) {
  return Look(host, desired).look();
}

const std::vector<std::string>& monitor_units() {
  static const std::vector<std::string> units{"muster-kubelet-monitor.service",
                                              "muster-network-monitor.service",
                                              "muster-runtime-monitor.service"};
  return units;
}

}  // namespace muster
