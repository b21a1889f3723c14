#include "inventory/check_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

using Written = Sourced<std::string>;

// inet_aton reads "10", "0x7f000001" and "10.1" as addresses: so do resolvers, and URLs.
bool reads_as_address(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  const auto all = [](std::string_view text, std::string_view letters) {
    return text.find_first_not_of(letters) == std::string_view::npos;
  };
  return all(last, "0123456789") ||
         (last.starts_with("0x") && all(last.substr(2), "0123456789abcdef"));
}

// Of every machine's own /etc/hosts and resolver (RFC 6761).
bool is_loopback_name(std::string_view name) {
  constexpr std::array<std::string_view, 11> names{
      "localhost",       "localhost4",    "localhost6",    "localdomain",
      "loopback",        "ip6-localhost", "ip6-loopback",  "ip6-localnet",
      "ip6-mcastprefix", "ip6-allnodes",  "ip6-allrouters"};
  return std::find(names.begin(), names.end(), name) != names.end() ||
         name.ends_with(".localhost") || name.ends_with(".localdomain");
}

bool is_reserved_domain(std::string_view name) {
  constexpr std::array<std::string_view, 6> domains{"invalid", "onion", "test",
                                                    "example", "local", "alt"};
  return std::find(domains.begin(), domains.end(), name) != domains.end();
}

std::string named(const Written& written, std::string_view what) {
  return fmt::format("{}, {}", in_ticks(written.value), what);
}

constexpr std::string_view own_name = "a name of every machine's own";
constexpr std::string_view address_like = "which is read as an address";

void check_host_name(const Written& name, const std::string& field, RuleFindings& findings) {
  if (!is_set(name) || name.value.empty()) return;
  const std::string expected = "a name of this machine alone";
  if (is_loopback_name(name.value))
    findings.refuse(name.place, field, expected, named(name, own_name),
                    "every other program on it takes the name for 127.0.0.1");
  else if (name.value == "kubernetes")
    findings.refuse(name.place, field, expected, named(name, "the API server's in every cluster"),
                    "the machine's certificate would be good for the API server");
  else if (reads_as_address(name.value))
    findings.refuse(name.place, field, expected, named(name, address_like),
                    "put a letter in front");
  else if (is_reserved_domain(name.value))
    findings.warn(name.place, field, expected, named(name, "a domain that RFC 6761 reserves"));
}

// Its members are called by the pattern and a number from 1.
void check_pattern(const NodePool& pool, RuleFindings& findings) {
  const Written& pattern = pool.name_pattern;
  if (!is_set(pattern)) return;
  const std::string stem = pattern.value.substr(0, pattern.value.find("{index}"));
  const auto refuse = [&](std::string_view what) {
    findings.refuse(pattern.place, "spec.namePattern", "a pattern whose names are free",
                    named(pattern, what));
  };
  if (stem == "localhost" && pool.maximum.value >= 4)
    refuse("whose fourth is localhost4");
  else if (reads_as_address(stem + "1"))
    refuse(address_like);
}

void check_dns_domain(const Written& domain, RuleFindings& findings) {
  if (!is_set(domain) || domain.value.empty()) return;
  const std::string expected = "a domain that the cluster can have", field = "spec.dnsDomain";
  const std::string_view name = domain.value;
  if (is_loopback_name(name))
    findings.refuse(domain.place, field, expected, named(domain, own_name));
  else if (reads_as_address(name))
    findings.refuse(domain.place, field, expected, named(domain, address_like));
  else if (name == "arpa" || name.ends_with(".arpa"))
    findings.refuse(domain.place, field, expected, named(domain, "where addresses have names"));
  else if (is_reserved_domain(name.substr(name.rfind('.') + 1)) && name != "cluster.local")
    findings.warn(domain.place, field, "cluster.local, or a domain of your own",
                  named(domain, "a domain that RFC 6761 or 6762 reserves"));
}

void check_endpoint_name(const Cluster& cluster, RuleFindings& findings) {
  const Written& host = cluster.api_host;
  if (cluster.api_mode.value != EndpointMode::external || host.value.empty() ||
      ipv4_value(host.value))
    return;
  const std::string expected = "a name that every machine finds", field = "spec.api.host";
  const std::string_view name = host.value;
  const bool is_of_services = name == "kubernetes" || name == "kubernetes.default" ||
                              name.ends_with(".svc") ||
                              name.ends_with("." + cluster.dns_domain.value);
  if (is_loopback_name(name))
    findings.refuse(host.place, field, expected, named(host, own_name),
                    "leave spec.api out where each machine is to have a balancer of its own");
  else if (is_of_services)
    findings.refuse(host.place, field, expected, named(host, "a name of pods alone"),
                    "machines reach the API before the cluster's DNS is");
  else if (reads_as_address(name))
    findings.refuse(host.place, field, "a DNS name or an IPv4 address", named(host, address_like));
}

}  // namespace

void check_names(const Inventory& inventory, const Cluster& cluster, RuleFindings& findings) {
  for (const Node* node : nodes_of(inventory, cluster.name.value))
    check_host_name(node->name, "metadata.name", findings);
  for (const NodePool* pool : pools_of(inventory, cluster.name.value))
    check_pattern(*pool, findings);
  check_dns_domain(cluster.dns_domain, findings);
  check_endpoint_name(cluster, findings);
}

}  // namespace muster
