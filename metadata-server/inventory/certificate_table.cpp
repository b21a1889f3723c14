#include "inventory/certificate_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "document/field_syntax.hpp"
#include "document/ipv4.hpp"

namespace muster {

namespace {

using Names = std::vector<std::string>;
using Usages = std::vector<CertificateUsage>;

const Usages client{CertificateUsage::client};
const Usages server{CertificateUsage::server};
const Usages both{CertificateUsage::server, CertificateUsage::client};

void add_once(Names& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

class CertificateTable {
 public:
  CertificateTable(const MachineIdentity& identity, std::chrono::seconds lifetime)
      : identity_(identity), lifetime_(lifetime), machine_("muster:machine:" + identity.node) {}

  std::vector<CertificateSpec> make() {
    add_machine();
    if (is_control_plane(identity_.role)) {
      add_etcd();
      add_apiserver();
      add_control_plane_clients();
    }
    return std::move(table_);
  }

 private:
  CertificateSpec& add(std::string name, std::string authority, std::string common_name,
                       Names organizations, const Usages& usages) {
    CertificateSpec row;
    row.path = "/etc/kubernetes/pki/" + name;
    row.name = std::move(name);
    row.authority = std::move(authority);
    row.common_name = std::move(common_name);
    row.organizations = std::move(organizations);
    row.usages = usages;
    row.lifetime = lifetime_;
    table_.push_back(std::move(row));
    return table_.back();
  }

  void add_machine() {
    const std::string node_user = "system:node:" + identity_.node;
    add("kubelet-client", "cluster", node_user, {"system:nodes", machine_}, client);
    CertificateSpec& serving =
        add("kubelet-server", "cluster", node_user, {"system:nodes"}, server);
    serving.dns_names = {identity_.node};
    serving.ip_addresses = {identity_.address};
    add("kube-proxy", "cluster", "system:kube-proxy", {machine_}, client);
  }

  void add_etcd() {
    // etcd's server also dials itself, so its certificate must serve as a client's too.
    for (const char* name : {"etcd-server", "etcd-peer"}) {
      CertificateSpec& row = add(name, "etcd", identity_.node, {}, both);
      row.dns_names = {identity_.node, "localhost"};
      row.ip_addresses = {"127.0.0.1", "::1", identity_.address};
    }
    add("etcd-client", "etcd", identity_.node, {}, client);
  }

  void add_apiserver() {
    const ClusterSettings& cluster = identity_.cluster;
    CertificateSpec& row = add("kube-apiserver", "cluster", "kube-apiserver", {}, server);
    row.dns_names = {identity_.node,
                     "kubernetes",
                     "kubernetes.default",
                     "kubernetes.default.svc",
                     "kubernetes.default.svc." + cluster.dns_domain,
                     "localhost"};
    row.ip_addresses = {"127.0.0.1"};
    if (const auto services = parse_cidr(cluster.service_cidr))
      add_once(row.ip_addresses, nth_address(*services, 1));
    add_once(row.ip_addresses, identity_.address);
    add_once(is_ipv4(cluster.api.host) ? row.ip_addresses : row.dns_names, cluster.api.host);
    add("kube-apiserver-kubelet-client", "cluster", "kube-apiserver-kubelet-client", {machine_},
        client);
    add("front-proxy-client", "front-proxy", "front-proxy-client", {}, client);
  }

  void add_control_plane_clients() {
    add("kube-controller-manager", "cluster", "system:kube-controller-manager", {machine_}, client);
    add("kube-scheduler", "cluster", "system:kube-scheduler", {machine_}, client);
    add("muster-duties", "cluster", "muster:duties:" + identity_.node, {"muster:duties", machine_},
        client);
    // Binds the first roles and is of no use afterwards: it dies within the hour.
    add("bootstrap-admin", "cluster", "muster:bootstrap-admin:" + identity_.node,
        {"system:masters", machine_}, client)
        .lifetime = std::chrono::hours(1);
  }

  const MachineIdentity& identity_;
  const std::chrono::seconds lifetime_;
  const std::string machine_;  // the group by which the authorization file bans this machine
  std::vector<CertificateSpec> table_;
};

}  // namespace

std::vector<CertificateSpec> certificates_of(const MachineIdentity& identity,
                                             std::chrono::seconds lifetime) {
  return CertificateTable(identity, lifetime).make();
}

}  // namespace muster
