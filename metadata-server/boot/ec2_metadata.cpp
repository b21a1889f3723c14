#include "boot/ec2_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "boot/instance_identity.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

// Those that cloud-init asks for, oldest first: each shows the same tree.
constexpr std::array<std::string_view, 5> versions{"2009-04-04", "2016-09-02", "2018-09-24",
                                                   "2021-03-23", "latest"};

// Path below the version -> text. Listings are made of it, so none can name what is not there.
using Leaves = std::map<std::string, std::string, std::less<>>;

// cloud-init takes an instance without one for one of EC2 Classic, and configures its network
// twice.
std::string vpc_id(const std::string& cluster) {
  return "vpc-" + sha256_digest(cluster).substr(std::string_view("sha256:").size(), 17);
}

// The address is on the first interface that the inventory names; what the others have is not known
// here.
void add_interfaces(const BootMachine& machine, Leaves& leaves) {
  for (std::size_t i = 0; i < machine.macs.size(); ++i) {
    const std::string folder =
        fmt::format("meta-data/network/interfaces/macs/{}/", machine.macs[i]);
    leaves[folder + "device-number"] = fmt::to_string(i);
    leaves[folder + "mac"] = machine.macs[i];
    leaves[folder + "vpc-id"] = vpc_id(machine.name.cluster);
    if (i > 0) continue;
    leaves[folder + "local-hostname"] = machine.name.node;
    leaves[folder + "local-ipv4s"] = machine.address;
    leaves[folder + "subnet-ipv4-cidr-block"] = cidr_text(machine.network);
  }
}

Leaves leaves_of(const BootMachine& machine, const SiteContact& site) {
  Leaves leaves;
  leaves["meta-data/hostname"] = machine.name.node;
  leaves["meta-data/instance-id"] = machine.instance_id;
  leaves["meta-data/local-hostname"] = machine.name.node;
  leaves["meta-data/local-ipv4"] = machine.address;
  if (!machine.macs.empty()) leaves["meta-data/mac"] = machine.macs.front();
  add_interfaces(machine, leaves);
  leaves["dynamic/instance-identity/document"] = identity_document(machine, site.pin);
  leaves["user-data"];  // made where it is asked for
  return leaves;
}

// `folder` is "" or ends with a slash. nullopt: nothing is below it.
std::optional<std::string> listing(const Leaves& leaves, std::string_view folder) {
  std::string text;
  std::string_view last;
  for (auto leaf = leaves.lower_bound(folder);
       leaf != leaves.end() && std::string_view(leaf->first).starts_with(folder); ++leaf) {
    std::string_view entry = std::string_view(leaf->first).substr(folder.size());
    if (const auto slash = entry.find('/'); slash != std::string_view::npos)
      entry = entry.substr(0, slash + 1);
    if (entry == last) continue;
    if (!text.empty()) text += '\n';
    text += entry;
    last = entry;
  }
  if (text.empty()) return std::nullopt;
  return text;
}

std::string listing_of_versions() {
  std::string text;
  for (const auto version : versions)
    text += fmt::format("{}{}/", text.empty() ? "" : "\n", version);
  return text;
}

}  // namespace

bool is_ec2_path(std::string_view path) {
  return path.empty() || std::find(versions.begin(), versions.end(),
                                   path.substr(0, path.find('/'))) != versions.end();
}

std::optional<std::string> ec2_metadata(std::string_view path, const BootMachine& machine,
                                        const SiteContact& site, const IdentitySigner& sign) {
  if (path.empty()) return listing_of_versions();
  if (!is_ec2_path(path)) return std::nullopt;
  const auto slash = std::min(path.find('/'), path.size());
  path.remove_prefix(std::min(slash + 1, path.size()));
  if (path == "user-data") return user_data(site, told_whom(machine));
  Leaves leaves = leaves_of(machine, site);
  if (path.starts_with("dynamic")) {
    if (auto identity = sign()) leaves["dynamic/instance-identity/dsse"] = std::move(*identity);
  }
  if (const auto leaf = leaves.find(path); leaf != leaves.end()) return leaf->second;
  std::string folder(path);
  if (!folder.empty() && !folder.ends_with('/')) folder += '/';
  return listing(leaves, folder);
}

}  // namespace muster
