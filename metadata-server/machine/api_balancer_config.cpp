#include "machine/api_balancer_config.hpp"

#include <fmt/format.h>

#include "machine/paths.hpp"

namespace muster {

std::string api_balancer_config(const NodeDocument& document) {
  const ClusterSettings& cluster = document.role.cluster;
  // A refused connection goes to the next master at once, so checks find only what hangs: every 10
  // s, since a thousand machines each check every master. A master that is down is asked often: a
  // new cluster's first seconds wait for that.
  const std::string text = fmt::format(R"(global
  log stderr format raw daemon notice
  maxconn 8192
  spread-checks 20

defaults
  mode tcp
  log global
  option clitcpka
  option srvtcpka
  option redispatch 1
  retries 3
  timeout connect 2s
  timeout check 2s
  # Watches may be silent for long; dead peers are found by TCP keep-alive.
  timeout client 1h
  timeout server 1h

frontend api
  bind 127.0.0.1:{}
  use_backend masters if {{ nbsrv(masters) gt 0 }}
  default_backend unchecked

backend masters
  balance leastconn
  option httpchk GET /readyz
  http-check expect status 200
  default-server check check-ssl verify required ca-file {} inter 10s fastinter 1s downinter 250ms rise 1 fall 3 on-marked-down shutdown-sessions
)",
                                       cluster.api.port, paths::authority("cluster"));
  std::string servers;
  for (const MachineAddress& master : cluster.masters) {
    servers +=
        fmt::format("  server {} {}:{}\n", master.name, master.address, cluster.apiserver_port);
  }
  // Where no check is passed any more, the checks may be what fails (a machine so busy that none is
  // answered in time): whoever answers a connection is better than nobody. One that is refused is
  // told at once, since that is how a cluster's first seconds are spent.
  return text + servers + "\nbackend unchecked\n  balance leastconn\n  retries 0\n" + servers;
}

}  // namespace muster
