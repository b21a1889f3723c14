#include "inventory/flat_inventory.hpp"

#include <sstream>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

class Translation {
 public:
  explicit Translation(const FlatTranslation& input) : input_(input) {}

  Result<std::string> run() {
    if (input_.documents.empty()) {
      return fail(ErrorKind::invalid, "flat metadata: expected a document, found none");
    }
    for (const auto& [file, flat] : input_.documents) compare(file, flat);
    for (const auto& [file, flat] : input_.documents) take_own(file, flat);
    take_master();
    for (const auto& [file, flat] : input_.documents) take_nodes(file, flat);
    const std::string yaml = cluster() + machines();
    if (!problems_.empty()) return fail("flat metadata", problems_);
    return yaml;
  }

 private:
  struct Machine {
    Role role = Role::node;
    std::string file;  // that says it first
  };
  const std::string& first_file() const { return input_.documents.begin()->first; }
  const FlatMetadata& first() const { return input_.documents.begin()->second; }

  void problem(const std::string& file, std::string_view field, std::string message) {
    problems_.push_back({fmt::format("{} /{}", file, field), std::move(message)});
  }

  // What all machines of a cluster are told alike.
  void compare(const std::string& file, const FlatMetadata& flat) {
    const auto same = [&](std::string_view field, std::string_view what, const std::string& found,
                          const std::string& expected) {
      if (found == expected) return;
      problem(file, field,
              fmt::format("expected {}{} as in {}, found {}", what, in_ticks(expected),
                          first_file(), in_ticks(found)));
    };
    same("domainsEnv", "BASE_DOMAIN=", flat.domain, first().domain);
    same("domainsEnv", "API_SERVER_DOMAIN=", flat.api_server_domain, first().api_server_domain);
    same("masterAddr", "", flat.master, first().master);
  }

  void take_own(const std::string& file, const FlatMetadata& flat) {
    const auto [at, is_new] = machines_.try_emplace(flat.node, Machine{flat.role, file});
    if (!is_new) {
      problem(file, "myDomain",
              fmt::format("expected a machine of its own, found '{}' of {} again", flat.node,
                          at->second.file));
    }
    if (flat.role != Role::master) return;
    if (!master_.empty() && master_ != flat.node) {
      problem(
          file, "myRole",
          fmt::format(
              "expected one master, found '{}' beside '{}' of {}; further ones are masterFollower",
              flat.node, master_, machines_.at(master_).file));
    } else {
      master_ = flat.node;
    }
  }

  // Without its own document, the master has the name that masterAddr gives it.
  void take_master() {
    const std::string& named = first().master;
    if (is_ipv4(named)) {
      if (master_.empty()) {
        problem(
            first_file(), "masterAddr",
            fmt::format("expected the master's name, or its own document, found {} alone", named));
      }
      return;
    }
    const std::string label = named.substr(0, named.find('.'));
    if (master_.empty()) master_ = label;
    if (master_ != label) {
      problem(first_file(), "masterAddr",
              fmt::format("expected '{}', the master of {}, found '{}'", master_,
                          machines_.at(master_).file, label));
    }
    const auto [at, is_new] = machines_.try_emplace(label, Machine{Role::master, first_file()});
    if (!is_new && at->second.role != Role::master && master_ == label) {
      problem(at->second.file, "myRole",
              fmt::format("expected master, as masterAddr of {} says, found {}", first_file(),
                          name(at->second.role)));
    }
  }

  void take_nodes(const std::string& file, const FlatMetadata& flat) {
    for (const auto& node : flat.nodes) {
      const auto [at, is_new] = machines_.try_emplace(node, Machine{Role::node, file});
      if (!is_new && at->second.role != Role::node) {
        problem(file, "kubenodesAddr",
                fmt::format("expected nodes, found '{}', which is {} by {}", node,
                            name(at->second.role), at->second.file));
      }
    }
  }

  std::string cluster() {
    const std::string label = first().domain.substr(0, first().domain.find('.'));
    return fmt::format(
        "# Made by `muster translate` of flat metadata. The metadata has no networks: choose them\n"
        "# before the first `apply`. ETCD_DOMAIN has no use: members know each other by address.\n"
        "apiVersion: muster/v1\nkind: Cluster\nmetadata:\n  name: {}\nspec:\n"
        "  kubernetesVersion: {}\n  api:\n    mode: external\n    host: {}\n"
        "  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n",
        label, input_.kubernetes_version, first().api_server_domain);
  }

  // The address of the hosts file, or masterAddr where that is one.
  std::string address_of(const std::string& machine, const Machine& found) {
    if (machine == master_ && is_ipv4(first().master)) return first().master;
    for (const auto& host : {machine + "." + first().domain, machine}) {
      if (const auto at = input_.addresses.find(host); at != input_.addresses.end()) {
        return at->second;
      }
    }
    problem(found.file, found.role == Role::node ? "kubenodesAddr" : "myDomain",
            fmt::format("expected an address of '{}.{}' among the hosts, found none", machine,
                        first().domain));
    return {};
  }

  std::string machines() {
    const std::string cluster = first().domain.substr(0, first().domain.find('.'));
    std::string yaml;
    for (const Role role : {Role::master, Role::follower, Role::node}) {
      for (const auto& [machine, found] : machines_) {
        if (found.role != role) continue;
        yaml += fmt::format(
            "---\napiVersion: muster/v1\nkind: Node\nmetadata:\n  name: {}\nspec:\n"
            "  cluster: {}\n  role: {}\n  address: {}\n",
            machine, cluster, name(role), address_of(machine, found));
      }
    }
    return yaml;
  }

  const FlatTranslation& input_;
  std::map<std::string, Machine> machines_;
  std::string master_;
  std::vector<Problem> problems_;
};

}  // namespace

Result<std::string> to_inventory_yaml(const FlatTranslation& input) {
  return Translation(input).run();
}

std::map<std::string, std::string> read_hosts(std::string_view text) {
  std::map<std::string, std::string> addresses;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    words >> address;
    if (!is_ipv4(address)) continue;
    // The first line that has a name counts, as for the resolver.
    for (std::string host; words >> host;) addresses.try_emplace(host, address);
  }
  return addresses;
}

}  // namespace muster
