#include "document/node_document_json.hpp"

namespace muster {
namespace {

std::string_view name(EndpointMode mode) {
  return mode == EndpointMode::external ? "external" : "node-local";
}

Result<EndpointMode> parse_endpoint_mode(std::string_view text) {
  for (const EndpointMode mode : {EndpointMode::external, EndpointMode::node_local}) {
    if (text == name(mode)) return mode;
  }
  return fail(ErrorKind::invalid, "expected external or node-local, found " + in_ticks(text));
}

std::string_view name(PodNetwork network) {
  return network == PodNetwork::routed ? "routed" : "none";
}

Result<PodNetwork> parse_pod_network(std::string_view text) {
  for (const PodNetwork network : {PodNetwork::routed, PodNetwork::none}) {
    if (text == name(network)) return network;
  }
  return fail(ErrorKind::invalid, "expected routed or none, found " + in_ticks(text));
}

}  // namespace

nlohmann::json cluster_to_json(const ClusterSettings& cluster) {
  nlohmann::json masters = nlohmann::json::array();
  for (const MachineAddress& master : cluster.masters) {
    masters.push_back({{"name", master.name}, {"address", master.address}});
  }
  return {
      {"name", cluster.name},
      {"dnsDomain", cluster.dns_domain},
      {"podCidr", cluster.pod_cidr},
      {"serviceCidr", cluster.service_cidr},
      {"clusterDns", cluster.cluster_dns},
      {"podNetwork", name(cluster.pod_network)},
      {"api",
       {{"mode", name(cluster.api.mode)}, {"host", cluster.api.host}, {"port", cluster.api.port}}},
      {"apiserverPort", cluster.apiserver_port},
      {"masters", masters},
      {"authorities", cluster.authorities}};
}

namespace {

void read_cluster(JsonObject& object, ClusterSettings& cluster) {
  object.text("name", cluster.name);
  object.text("dnsDomain", cluster.dns_domain);
  object.text("podCidr", cluster.pod_cidr);
  object.text("serviceCidr", cluster.service_cidr);
  object.text("clusterDns", cluster.cluster_dns);
  object.word("podNetwork", cluster.pod_network, parse_pod_network);
  object.object("api", [&](JsonObject& api) {
    api.word("mode", cluster.api.mode, parse_endpoint_mode);
    api.text("host", cluster.api.host);
    api.number("port", cluster.api.port);
  });
  object.number("apiserverPort", cluster.apiserver_port);
  object.objects("masters", [&](JsonObject& entry) {
    MachineAddress& master = cluster.masters.emplace_back();
    entry.text("name", master.name);
    entry.text("address", master.address);
  });
  object.text_list_map("authorities", cluster.authorities);
}

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::master:
      return "master";
    case Role::follower:
      return "follower";
    case Role::node:
      return "node";
  }
  return "node";
}

Result<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::master, Role::follower, Role::node}) {
    if (text == name(role)) return role;
  }
  if (text == "masterFollower") return Role::follower;
  return fail(ErrorKind::invalid, "expected master, follower or node, found " + in_ticks(text));
}

nlohmann::json role_to_json(const MachineIdentity& role) {
  nlohmann::json json = {{"role", name(role.role)}, {"node", role.node},
                         {"address", role.address}, {"podCidr", role.pod_cidr},
                         {"macs", role.macs},       {"cluster", cluster_to_json(role.cluster)}};
  if (!role.pool.empty()) json["pool"] = role.pool;
  return json;
}

void read_role(JsonObject& object, MachineIdentity& role) {
  object.word("role", role.role, parse_role);
  object.text("node", role.node);
  object.text("address", role.address);
  object.text("podCidr", role.pod_cidr);
  object.texts("macs", role.macs);
  object.text("pool", role.pool, Need::optional);
  object.object("cluster", [&](JsonObject& inner) { read_cluster(inner, role.cluster); });
}

}  // namespace muster
