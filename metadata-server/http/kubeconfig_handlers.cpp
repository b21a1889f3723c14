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
    return fail(ErrorKind::not_found, "not_found",
                fmt::format("cluster {}: nothing is published for it; run `muster apply` first",
                            in_ticks(cluster)));
  }
  auto document = read_document(*served->documents.begin()->second);
  if (!document) return pass(document.error());
  return std::move(*document);
}

// node-local endpoints exist on machines only: people go to the first master.
std::string api_url(const ClusterSettings& cluster) {
  if (cluster.api.mode == EndpointMode::external) {
    return fmt::format("https://{}:{}", cluster.api.host, cluster.api.port);
  }
  const std::string host =
      cluster.masters.empty() ? std::string() : cluster.masters.front().address;
  return fmt::format("https://{}:{}", host, cluster.apiserver_port);
}

std::string kubeconfig_text(const std::string& cluster, const std::string& user,
                            const std::string& url, const IssuedClusterCertificate& issued,
                            const PrivateKey& key) {
  return fmt::format(
      "apiVersion: v1\nkind: Config\nclusters:\n- name: {0}\n  cluster:\n    server: {1}\n"
      "    certificate-authority-data: {2}\nusers:\n- name: {3}@{0}\n  user:\n    client-certificate-data: {4}\n"
      "    client-key-data: {5}\ncontexts:\n- name: {3}@{0}\n  context:\n    cluster: {0}\n    user: {3}@{0}\n"
      "current-context: {3}@{0}\n",
      cluster, url, base64_encode(issued.authority), user, base64_encode(issued.certificate),
      base64_encode(key.pem()));
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
  Response response = json_response(
      {{"kubeconfig", kubeconfig_text(order->cluster, caller.name, api_url(document->role.cluster),
                                      *issued, *key)}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace muster::handlers
