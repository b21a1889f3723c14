#include <set>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"
#include "document/validation.hpp"

namespace muster {
namespace {

void validate_networks(const MachineIdentity& role, Findings& findings) {
  const ClusterSettings& cluster = role.cluster;
  const auto pods = parse_cidr(cluster.pod_cidr);
  const auto services = parse_cidr(cluster.service_cidr);
  findings.expect(pods.has_value(), "/role/cluster/podCidr",
                  "an IPv4 network such as '10.244.0.0/16', host bits zero", cluster.pod_cidr);
  findings.expect(services.has_value(), "/role/cluster/serviceCidr",
                  "an IPv4 network such as '10.96.0.0/16', host bits zero", cluster.service_cidr);
  if (pods && services && pods->overlaps(*services)) {
    findings.add("/role/cluster/serviceCidr",
                 fmt::format("expected a network apart from podCidr {}, found {}",
                             in_ticks(cluster.pod_cidr), in_ticks(cluster.service_cidr)));
  }
  const auto dns = ipv4_value(cluster.cluster_dns);
  findings.expect(dns && (!services || services->contains(*dns)), "/role/cluster/clusterDns",
                  "an IPv4 address within serviceCidr", cluster.cluster_dns);
  if (cluster.pod_network == PodNetwork::none) {
    findings.expect(role.pod_cidr.empty(), "/role/podCidr", "nothing, since podNetwork is none",
                    role.pod_cidr);
    return;
  }
  const auto own = parse_cidr(role.pod_cidr);
  findings.expect(own && (!pods || pods->contains(*own)), "/role/podCidr",
                  "an IPv4 network within the cluster's podCidr", role.pod_cidr);
}

void validate_api(const ClusterSettings& cluster, Findings& findings) {
  const ApiEndpoint& api = cluster.api;
  if (api.mode == EndpointMode::node_local) {
    findings.expect(api.host == "127.0.0.1", "/role/cluster/api/host",
                    "'127.0.0.1', since mode is node-local", api.host);
  } else {
    findings.expect(is_ip(api.host) || is_dns_name(api.host), "/role/cluster/api/host",
                    "an address or a DNS name", api.host);
  }
  if (api.port == 0) findings.add("/role/cluster/api/port", "expected 1 to 65535, found 0");
  if (cluster.apiserver_port == 0) {
    findings.add("/role/cluster/apiserverPort", "expected 1 to 65535, found 0");
  }
}

void validate_masters(const MachineIdentity& role, Findings& findings) {
  const std::vector<MachineAddress>& masters = role.cluster.masters;
  if (masters.empty()) {
    findings.add("/role/cluster/masters", "expected at least one machine, found none");
    return;
  }
  std::set<std::string> names;
  std::set<std::string> addresses;
  bool listed = false;
  for (std::size_t i = 0; i < masters.size(); ++i) {
    const std::string where = pointer_to("/role/cluster/masters", i);
    findings.expect(is_dns_name(masters[i].name), where + "/name", "a DNS name", masters[i].name);
    findings.expect(is_ipv4(masters[i].address), where + "/address", "an IPv4 address",
                    masters[i].address);
    findings.expect(names.insert(masters[i].name).second, where + "/name", "each name once",
                    masters[i].name);
    findings.expect(addresses.insert(masters[i].address).second, where + "/address",
                    "each address once", masters[i].address);
    listed = listed || (masters[i].name == role.node && masters[i].address == role.address);
  }
  const std::string self = fmt::format("{} at {}", role.node, role.address);
  if (is_control_plane(role.role)) {
    findings.expect(listed, "/role/cluster/masters", "this control-plane machine among them", self);
  } else {
    findings.expect(names.count(role.node) == 0, "/role/cluster/masters",
                    "only control-plane machines", role.node);
  }
  const bool first = masters.front().name == role.node;
  findings.expect(first == (role.role == Role::master) || !is_control_plane(role.role),
                  "/role/role", "'master' for the first of masters and 'follower' for the others",
                  name(role.role));
}

void validate_authorities(const ClusterSettings& cluster, Findings& findings) {
  for (const auto& [authority, certificates] : cluster.authorities) {
    const std::string where = pointer_to("/role/cluster/authorities", authority);
    findings.expect(is_dns_label(authority), where, "a name such as 'front-proxy'", authority);
    if (certificates.empty()) findings.add(where, "expected at least one certificate, found none");
    for (std::size_t i = 0; i < certificates.size(); ++i) {
      findings.expect(certificates[i].rfind("-----BEGIN CERTIFICATE-----", 0) == 0,
                      pointer_to(where, i), "a certificate in PEM", certificates[i]);
    }
  }
}

}  // namespace

void validate_role(const MachineIdentity& role, Findings& findings) {
  findings.expect(role.pool.empty() || is_dns_label(role.pool), "/role/pool",
                  "the name of a NodePool", role.pool);
  findings.expect(is_dns_name(role.node), "/role/node", "a DNS name", role.node);
  findings.expect(is_ipv4(role.address), "/role/address", "an IPv4 address", role.address);
  for (std::size_t i = 0; i < role.macs.size(); ++i) {
    findings.expect(is_mac(role.macs[i]), pointer_to("/role/macs", i),
                    "a MAC address such as '52:54:00:aa:bb:cc'", role.macs[i]);
  }
  findings.expect(is_dns_label(role.cluster.name), "/role/cluster/name", "a DNS label",
                  role.cluster.name);
  findings.expect(is_dns_name(role.cluster.dns_domain), "/role/cluster/dnsDomain", "a DNS name",
                  role.cluster.dns_domain);
  validate_networks(role, findings);
  validate_api(role.cluster, findings);
  validate_masters(role, findings);
  validate_authorities(role.cluster, findings);
}

}  // namespace muster
