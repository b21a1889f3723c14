// A kubeconfig with a key made here and a certificate of minutes to hours in the caller's name.
// Nothing of it is kept but the audit row.
#include <spdlog/spdlog.h>

#include "enrolment/quota.hpp"
#include "fleet/served_document.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "pki/signature.hpp"
#include "records/audit.hpp"
#include "trust/cluster_authorities.hpp"

namespace muster::handlers {
namespace {

constexpr std::uint32_t longest = 24 * 3600, longest_break_glass = 3600;

struct KubeconfigOrder {
  std::string cluster;
  std::uint32_t seconds = 12 * 3600;
  bool break_glass = false;
};

// Any document of the cluster says where its API is.
Result<NodeDocument> any_document(const Rooms& rooms, const std::string& cluster) {
  const auto served = rooms.current.cluster(cluster);
  if (!served || served->documents.empty()) {
    return fail(ErrorKind::not_found,
                fmt::format("cluster {}: nothing is published for it; run `muster apply` first",
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
std::vector<Endpoint> endpoints_of(const Rooms& rooms, const ClusterSettings& cluster) {
  if (cluster.api.mode == EndpointMode::external)
    return {{cluster.name, fmt::format("https://{}:{}", cluster.api.host, cluster.api.port)}};
  std::vector<Endpoint> endpoints;
  std::string best;
  for (const auto& master : cluster.masters) {
    const std::string url = fmt::format("https://{}:{}", master.address, cluster.apiserver_port);
    endpoints.push_back({fmt::format("{}-{}", cluster.name, master.name), url});
    if (best.empty() && is_ready(rooms.reports.find({cluster.name, master.name}))) best = url;
  }
  if (endpoints.empty()) return {{cluster.name, "https://"}};
  if (best.empty()) best = endpoints.front().url;
  if (endpoints.size() == 1) endpoints.clear();
  endpoints.insert(endpoints.begin(), {cluster.name, best});
  return endpoints;
}

struct Kubeconfig {
  std::string text;
  std::vector<std::string> contexts;
};

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

Result<KubeconfigOrder> read_order(const Request& request) {
  KubeconfigOrder order;
  auto read = read_json_body("kubeconfig request", request, [&](JsonObject& root) {
    root.text("cluster", order.cluster);
    root.number("ttlSeconds", order.seconds, Need::optional);
    root.flag("breakGlass", order.break_glass, Need::optional);
    const std::uint32_t most = order.break_glass ? longest_break_glass : longest;
    if (order.seconds < 60 || order.seconds > most) {
      root.problem("ttlSeconds", fmt::format("expected 60 to {}, found {}", most, order.seconds));
    }
  });
  if (!read) return pass(read.error());
  return order;
}

}  // namespace

Result<Response> post_kubeconfig(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto order = read_order(request);
  if (!order) return pass(order.error());
  if (auto own = check_owns(rooms.store, caller, order->cluster); !own) return pass(own.error());
  if (order->break_glass && caller.restricted) return pass(restricted(caller));
  const auto document = any_document(rooms, order->cluster);
  if (!document) return pass(document.error());
  const auto key = PrivateKey::generate_p256();
  if (!key) return pass(key.error());
  CertificateSpec specification;
  specification.name = "operator";
  specification.authority = "cluster";
  specification.common_name = caller.name;
  specification.organizations = {order->break_glass ? "system:masters" : "muster:operators"};
  specification.usages = {CertificateUsage::client};
  specification.lifetime = std::chrono::seconds(order->seconds);
  const TimePoint now = rooms.enrolment.now();
  const auto issued = issue_certificate(rooms.store, rooms.sealing, order->cluster, specification,
                                        key->public_key(), now);
  if (!issued) return pass(issued.error());
  Transaction audit;
  append_audit(audit, now, caller.text(),
               order->break_glass ? "kubeconfig-break-glass" : "kubeconfig-issued", order->cluster,
               fmt::format("{} s, key {}", order->seconds, key->public_key().fingerprint()));
  if (auto written = rooms.store.commit(audit); !written) return pass(written.error());
  spdlog::info("{}: kubeconfig for {}{}", caller.text(), order->cluster,
               order->break_glass ? ", past RBAC (break-glass)" : "");
  const Kubeconfig made =
      make_kubeconfig(caller.name, endpoints_of(rooms, document->role.cluster), *issued, *key);
  Response response = json_response({{"kubeconfig", made.text}, {"contexts", made.contexts}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace muster::handlers
