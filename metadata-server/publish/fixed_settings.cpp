#include "publish/fixed_settings.hpp"

#include "document/problem.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// A machine that was admitted, or an etcd that was begun.
Result<bool> is_live(const Store& store, const std::string& cluster) {
  const auto machines = store.count(kinds::machine, kinds::prefix_of(cluster));
  if (!machines) return pass(machines.error());
  if (*machines > 0) return true;
  const auto etcd = store.get(kinds::etcd, cluster);
  if (!etcd && etcd.error().kind != ErrorKind::not_found) return pass(etcd.error());
  return etcd.has_value();
}

}  // namespace

FixedSettings fixed_settings_of(const Cluster& cluster) {
  return {cluster.pod_cidr.value, cluster.service_cidr.value, cluster.dns_domain.value,
          cluster.etcd_topology.value};
}

Result<void> check_fixed_settings(const Store& store, const ClusterRecord& published,
                                  const Cluster& cluster) {
  const FixedSettings wanted = fixed_settings_of(cluster);
  if (published.revision_number == 0 || wanted == published.fixed) return {};
  const auto live = is_live(store, published.name);
  if (!live) return pass(live.error());
  if (!*live) return {};
  std::string differences;
  const auto compare = [&](std::string_view field, const std::string& old_value,
                           const Sourced<std::string>& value) {
    if (old_value == value.value) return;
    differences += fmt::format("\n{}: {}: expected {}, found {}", to_text(value.place), field,
                               in_ticks(old_value), in_ticks(value.value));
  };
  compare("spec.podCidr", published.fixed.pod_cidr, cluster.pod_cidr);
  compare("spec.serviceCidr", published.fixed.service_cidr, cluster.service_cidr);
  compare("spec.dnsDomain", published.fixed.dns_domain, cluster.dns_domain);
  compare("spec.etcd.topology", published.fixed.etcd_topology, cluster.etcd_topology);
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "cluster '{}': machines run on it, so these cannot change. Put them back, or make another cluster:{}",
          published.name, differences));
}

}  // namespace muster
