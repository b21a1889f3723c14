#include "machine/etcd.hpp"

#include <fmt/format.h>

#include "machine/paths.hpp"

namespace muster {

Arguments etcd_arguments(const NodeDocument& document) {
  const std::string& address = document.role.address;
  const std::string authority = paths::authority("etcd");
  Arguments arguments = {
      {"name", document.role.node},
      {"data-dir", paths::etcd_data},
      {"listen-client-urls", fmt::format("https://127.0.0.1:2379,https://{}:2379", address)},
      {"advertise-client-urls", fmt::format("https://{}:2379", address)},
      {"listen-peer-urls", fmt::format("https://{}:2380", address)},
      {"initial-advertise-peer-urls", fmt::format("https://{}:2380", address)},
      {"listen-metrics-urls", "http://127.0.0.1:2381"},
      {"initial-cluster-token", document.role.cluster.name},
      {"client-cert-auth", "true"},
      {"trusted-ca-file", authority},
      {"cert-file", paths::certificate("etcd-server", "tls.crt")},
      {"key-file", paths::certificate("etcd-server", "tls.key")},
      {"peer-client-cert-auth", "true"},
      {"peer-trusted-ca-file", authority},
      {"peer-cert-file", paths::certificate("etcd-peer", "tls.crt")},
      {"peer-key-file", paths::certificate("etcd-peer", "tls.key")},
      {"tls-min-version", "TLS1.2"},
      {"heartbeat-interval", "100"},
      {"election-timeout", "1000"},
      {"snapshot-count", "10000"},
      // The most that etcd advises; its own 2 GiB fill up on clusters of some hundred machines.
      {"quota-backend-bytes", "8589934592"},
      {"feature-gates", "InitialCorruptCheck=true"},
      {"watch-progress-notify-interval", "5s"}};
  arguments.override_with(document.config.component_arguments, "etcd");
  arguments.keep_entries("feature-gates", {"InitialCorruptCheck=true"});
  return arguments;
}

std::string etcd_start_environment(const EtcdStart& start) {
  return fmt::format("ETCD_INITIAL_CLUSTER_STATE={}\nETCD_INITIAL_CLUSTER={}\n", start.state,
                     start.initial_cluster);
}

}  // namespace muster
