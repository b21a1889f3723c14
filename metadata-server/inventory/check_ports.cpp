#include "inventory/check_ports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "document/problem.hpp"
#include "inventory/read_objects.hpp"

namespace muster {

namespace {

struct Listener {
  int port = 0;
  std::string who;
  std::string field;  // that says so; empty: none does
  Place place;
};

// Where it stands in componentArguments: the port alone, or the last of an address or URL.
struct PortFlag {
  std::string_view component, flag, replaces;  // replaces: whose port of the table below
};

constexpr std::array port_flags{
    PortFlag{"etcd", "listen-metrics-urls", "etcd's metrics"},
    PortFlag{"kubelet", "port", "kubelet"},
    PortFlag{"kubelet", "healthz-port", "kubelet's health"},
    PortFlag{"kubelet", "read-only-port", "kubelet's read-only port"},
    PortFlag{"kube-controller-manager", "secure-port", "kube-controller-manager"},
    PortFlag{"kube-scheduler", "secure-port", "kube-scheduler"}};

// What listens on a control-plane machine, and but for etcd and the controllers on every one.
std::vector<Listener> listeners() {
  return {{22, "sshd", {}, {}},
          {2379, "etcd", {}, {}},
          {2380, "etcd's peers", {}, {}},
          {2381, "etcd's metrics", {}, {}},
          {6443, "kube-apiserver", {}, {}},
          {10248, "kubelet's health", {}, {}},
          {10249, "kube-proxy's metrics", {}, {}},
          {10250, "kubelet", {}, {}},
          {10255, "kubelet's read-only port", {}, {}},
          {10256, "kube-proxy's health", {}, {}},
          {10257, "kube-controller-manager", {}, {}},
          {10259, "kube-scheduler", {}, {}}};
}

std::optional<int> port_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_port =
      error == std::errc() && end == text.data() + text.size() && number > 0 && number <= 65535;
  return is_port ? std::optional(number) : std::nullopt;
}

// "10257", "http://127.0.0.1:2381": of several, the first.
std::optional<int> port_in(std::string_view text) {
  text = text.substr(0, text.find(','));
  return port_number(text.substr(text.rfind(':') + 1));
}

class PortChecker {
 public:
  explicit PortChecker(RuleFindings& findings) : findings_(findings) {}

  // It listens elsewhere than the table says.
  void move(std::string_view who) {
    std::erase_if(taken_, [&](const Listener& other) { return other.who == who; });
  }

  void add(Listener listener) {
    const auto other = std::find_if(taken_.begin(), taken_.end(), [&](const Listener& entry) {
      return entry.port == listener.port;
    });
    if (other != taken_.end())
      findings_.refuse(
          listener.place, listener.field, "a port that nothing else on the machine listens on",
          fmt::format("{}, that of {}", in_ticks(std::to_string(listener.port)), other->who),
          other->field.empty()
              ? std::string()
              : fmt::format("{} at {} says so", other->field, to_text(other->place)));
    taken_.push_back(std::move(listener));
  }

 private:
  RuleFindings& findings_;
  std::vector<Listener> taken_ = listeners();
};

struct ServicePorts {
  int first = 30000, last = 32767;  // kube-apiserver's default
};

ServicePorts service_ports_of(const Cluster& cluster) {
  ServicePorts range;
  const auto component = cluster.component_arguments.find("kube-apiserver");
  if (component == cluster.component_arguments.end()) return range;
  const auto flag = component->second.find("service-node-port-range");
  if (flag == component->second.end()) return range;
  const std::string_view text = flag->second.value;
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return range;
  const auto first = port_number(text.substr(0, dash)), last = port_number(text.substr(dash + 1));
  return first && last ? ServicePorts{*first, *last} : range;
}

void check_balancer(const Cluster& cluster, PortChecker& ports, RuleFindings& findings) {
  if (!is_set(cluster.api_port) || cluster.api_mode.value != EndpointMode::node_local) return;
  const int port = cluster.api_port.value;
  const std::string field = "spec.api.port", found = in_ticks(std::to_string(port));
  ports.move("kube-apiserver");  // it has the machine's address, the balancer loopback
  ports.add({port, "the API's balancer", field, cluster.api_port.place});
  const ServicePorts services = service_ports_of(cluster);
  if (port >= services.first && port <= services.last)
    findings.warn(
        cluster.api_port.place, field,
        fmt::format("a port outside those of services, {} to {}", services.first, services.last),
        found, "a service of type NodePort may be given it");
  else if (port >= 32768 && port <= 60999)
    findings.warn(cluster.api_port.place, field, "a port outside 32768 to 60999", found,
                  "the kernel gives those to connections, and it may be taken at a start");
}

// Flags of the operator that name a port, each of them moved before one is compared.
std::vector<Listener> written_ports(const Cluster& cluster, PortChecker& ports) {
  std::vector<Listener> written;
  for (const PortFlag& row : port_flags) {
    const auto component = cluster.component_arguments.find(std::string(row.component));
    if (component == cluster.component_arguments.end()) continue;
    const auto flag = component->second.find(std::string(row.flag));
    if (flag == component->second.end()) continue;
    ports.move(row.replaces);
    if (const auto port = port_in(flag->second.value))
      written.push_back({*port, std::string(row.replaces),
                         fmt::format("spec.componentArguments[{}][{}]", row.component, row.flag),
                         flag->second.place});
  }
  return written;
}

}  // namespace

void check_ports(const Cluster& cluster, RuleFindings& findings) {
  PortChecker ports(findings);
  for (Listener& listener : written_ports(cluster, ports)) ports.add(std::move(listener));
  check_balancer(cluster, ports, findings);
}

void check_ports(const Value& settings, const std::string& path, RuleFindings& findings) {
  const std::string where = "kubelet.extraConfiguration";
  const Value* extra = settings.find_path(where);
  if (extra == nullptr) return;
  PortChecker ports(findings);
  constexpr std::array<std::array<std::string_view, 2>, 2> fields{
      {{"healthzPort", "kubelet's health"}, {"readOnlyPort", "kubelet's read-only port"}}};
  for (const auto& [field, who] : fields) {
    const Value* written = extra->find(field);
    const auto port = written == nullptr ? std::nullopt : port_number(written->scalar);
    if (!port) continue;
    ports.move(who);
    ports.add(
        {*port, std::string(who), fmt::format("{}.{}.{}", path, where, field), written->place});
  }
}

}  // namespace muster
