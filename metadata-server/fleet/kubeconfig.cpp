#include "fleet/kubeconfig.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/quota.hpp"
#include "fleet/served_document.hpp"
#include "pki/signature.hpp"
#include "records/audit.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster {

namespace {

// Any document of the cluster says where its API is.
Result<NodeDocument> any_document(const Fleet& fleet, const std::string& cluster) {
  const auto served = fleet.current.cluster(cluster);
  if (!served || served->documents.empty()) {
    return fail(
        ErrorKind::not_found,
        fmt::format(
            "cluster {}: no machine of it has a document yet; run `muster apply`, or, of one that was made on demand, start its first master",
            in_ticks(cluster)));
  }
  auto document = read_document(*served->documents.begin()->second);
  if (!document) return pass(document.error());
  return std::move(*document);
}

// A way to the API: "lab", and of several masters "lab-m1" for each besides.
struct Endpoint {
  std::string name, url;
};

// node-local endpoints exist on machines only: people go to a master, the first one of those that
// are well.
std::vector<Endpoint> endpoints_of(const Fleet& fleet, const ClusterSettings& cluster) {
  if (cluster.api.mode == EndpointMode::external)
    return {{cluster.name, fmt::format("https://{}:{}", cluster.api.host, cluster.api.port)}};
  std::vector<Endpoint> endpoints;
  std::string best;
  for (const auto& master : cluster.masters) {
    const std::string url = fmt::format("https://{}:{}", master.address, cluster.apiserver_port);
    endpoints.push_back({fmt::format("{}-{}", cluster.name, master.name), url});
    if (best.empty() && is_ready(fleet.reports.find({cluster.name, master.name}))) best = url;
  }
  if (endpoints.empty()) return {{cluster.name, "https://"}};
  if (best.empty()) best = endpoints.front().url;
  if (endpoints.size() == 1) endpoints.clear();
  endpoints.insert(endpoints.begin(), {cluster.name, best});
  return endpoints;
}

// One user, and a context for each endpoint; the first one is the current one.
Kubeconfig make_kubeconfig(const std::string& user, const std::vector<Endpoint>& endpoints,
                           const IssuedClusterCertificate& issued, const PrivateKey& key) {
  const std::string account = fmt::format("{}@{}", user, endpoints.front().name);
  std::string clusters, contexts;
  Kubeconfig made;
  for (const auto& [name, url] : endpoints) {
    made.contexts.push_back(fmt::format("{}@{}", user, name));
    clusters +=
        fmt::format("- name: {}\n  cluster:\n    server: {}\n    certificate-authority-data: {}\n",
                    name, url, base64_encode(issued.authority));
    contexts += fmt::format("- name: {}\n  context:\n    cluster: {}\n    user: {}\n",
                            made.contexts.back(), name, account);
  }
  made.text = fmt::format(
      "apiVersion: v1\nkind: Config\nclusters:\n{}users:\n- name: {}\n  user:\n"
      "    client-certificate-data: {}\n    client-key-data: {}\ncontexts:\n{}current-context: {}\n",
      clusters, account, base64_encode(issued.certificate), base64_encode(key.pem()), contexts,
      account);
  return made;
}

CertificateSpec specification_of(const Caller& person, const KubeconfigOrder& order) {
  CertificateSpec specification;
  specification.name = "operator";
  specification.authority = "cluster";
  specification.common_name = person.name;
  specification.organizations = {order.break_glass ? "system:masters" : "muster:operators"};
  specification.usages = {CertificateUsage::client};
  specification.lifetime = order.lifetime;
  return specification;
}

}  // namespace

Result<Kubeconfig> issue_kubeconfig(const Fleet& fleet, const Caller& person,
                                    const KubeconfigOrder& order) {
  if (auto own = check_owns(fleet.store, person, order.cluster); !own) return pass(own.error());
  if (order.break_glass && person.restricted) return pass(restricted(person));
  const auto document = any_document(fleet, order.cluster);
  if (!document) return pass(document.error());
  const auto key = PrivateKey::generate_p256();
  if (!key) return pass(key.error());
  const TimePoint now = fleet.enrolment.now();
  OpenedAuthorities opened;
  const auto issued =
      issue_certificate(fleet.store, fleet.sealing, order.cluster, specification_of(person, order),
                        key->public_key(), now, opened);
  if (!issued) return pass(issued.error());
  Transaction audit;
  append_audit(
      audit, now, person.text(), order.break_glass ? "kubeconfig-break-glass" : "kubeconfig-issued",
      order.cluster,
      fmt::format("{} s, key {}", order.lifetime.count(), key->public_key().fingerprint()));
  if (auto written = commit(fleet.store, audit); !written) return pass(written.error());
  spdlog::info("{}: kubeconfig for {}{}", person.text(), order.cluster,
               order.break_glass ? ", past RBAC (break-glass)" : "");
  return make_kubeconfig(person.name, endpoints_of(fleet, document->role.cluster), *issued, *key);
}

}  // namespace muster
