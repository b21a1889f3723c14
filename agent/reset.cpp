#include "agent/reset.hpp"

#include <algorithm>
#include <sstream>

#include "agent/etcd/etcd_client.hpp"
#include "agent/etcd/etcd_departure.hpp"
#include "agent/footprint.hpp"
#include "agent/foundation/artifacts.hpp"
#include "agent/foundation/packages.hpp"
#include "agent/own_state.hpp"
#include "agent/paths.hpp"
#include "document/node_document.hpp"
#include "document/release_names.hpp"
#include "document/signed_document.hpp"

namespace muster {
namespace {

// What the components make by themselves; none of it is on a machine before Muster.
const std::vector<std::string>& component_state() {
  static const std::vector<std::string> folders{
      "/var/lib/kubelet", "/var/lib/containerd", "/run/containerd",
      "/var/lib/cni",     "/var/lib/etcd",       "/run/flannel",
      "/var/log/pods",    "/var/log/containers", paths::kubernetes_logs,
      "/opt/cni",         "/opt/containerd",     "/usr/libexec/kubernetes",
      "/var/lib/nerdctl"};
  return folders;
}

const std::vector<std::string>& component_units() {
  static const std::vector<std::string> units{"muster-await-api.service",
                                              "kubelet.service",
                                              "kube-proxy.service",
                                              "kube-scheduler.service",
                                              "kube-controller-manager.service",
                                              "kube-apiserver.service",
                                              "etcd.service",
                                              "kube-api-balancer.service",
                                              "containerd.service"};
  return units;
}

// Kubelet's own, so that logind waits for its pods (k8s.io/kubernetes/pkg/kubelet/nodeshutdown).
constexpr const char* inhibitor_folder = "/etc/systemd/logind.conf.d";
constexpr const char* inhibitor_file = "/etc/systemd/logind.conf.d/99-kubelet.conf";

constexpr const char* routes_unit = "muster-routes.service";
constexpr const char* host_name_unit = "muster-hostname.service";

}  // namespace

Result<void> end_pods(Host& host) {
  if (auto stopped = host.services.stop({"kubelet.service"}, std::chrono::seconds(60)); !stopped)
    return stopped;
  const auto end = host.clock.since_boot() + std::chrono::seconds(60);
  ProcessRequest request;
  const std::string ctr = paths::program("containerd", "ctr");
  request.arguments = {ctr, "--namespace", "k8s.io", "tasks", "list", "--quiet"};
  const auto listed = host.process.run(request);
  if (!listed || listed->exit_status != 0) return {};
  std::istringstream tasks(listed->output);
  for (std::string task; std::getline(tasks, task) && host.clock.since_boot() < end;) {
    request.arguments = {ctr, "--namespace", "k8s.io", "tasks", "delete", "--force", task};
    static_cast<void>(host.process.run(request));
  }
  return {};
}

namespace {

// Only for whom to ask: what it says is verified by nobody here.
std::optional<NodeDocument> cached_document_of(const Filesystem& files) {
  const auto text = files.read(paths::document_cache, maximum_envelope_size);
  const auto envelope = text ? parse_envelope(*text) : pass(text.error());
  const auto document = envelope ? parse_node_document(envelope->payload) : pass(envelope.error());
  if (!document) return std::nullopt;
  return *document;
}

Result<void> leave_etcd_first(Host& host, const Checkpoint& kept,
                              const std::function<void(std::string_view)>& narrate) {
  // A cluster that has ended misses nobody.
  if (host.files.status(paths::tombstone)) return {};
  if (!kept.etcd_started && kept.etcd_member_id.empty()) return {};
  narrate(fmt::format("leaving etcd: member {} of {}; this machine's API server stops first",
                      kept.etcd_member_id.empty() ? "unknown" : kept.etcd_member_id, kept.node));
  OwnMember own{kept.etcd_member_id, kept.node, etcd_peer_url(kept.etcd_address), {}};
  const auto unit = host.services.status("etcd.service");
  if (unit && unit->active_state == "active") own.endpoints.emplace_back("https://127.0.0.1:2379");
  if (const auto document = cached_document_of(host.files)) {
    for (const auto& master : document->role.cluster.masters) {
      if (master.name != kept.node) own.endpoints.push_back(etcd_client_url(master.address));
    }
  }
  auto left = own.endpoints.empty() ? fail(ErrorKind::unavailable,
                                           "etcd: it does not run here, and no other is known")
                                    : leave_etcd(host, own);
  if (left) {
    narrate("etcd: this machine has left it");
    return {};
  }
  return fail(
      left.error().kind,
      fmt::format(
          "reset: this machine is a master and could not leave etcd: {}\nnothing was taken away (to go on as before: systemctl start muster-agent). Heal etcd and reset again; or, to leave a dead member behind, which the other masters' duties remove once the machine is out of the inventory: muster-agent reset --yes --abandon-etcd",
          left.error().message));
}

// What a person does so that the machine is again what it was.
std::string way_back(const Checkpoint& kept, const std::optional<NodeDocument>& document,
                     bool has_ended) {
  std::string text =
      "this machine is as it was found; its settings stay (/etc/muster/agent.json), and its agent starts with the next boot\n";
  const std::string here =
      "here: that token into /etc/muster/agent.json (\"token\") or the user-data, and: systemctl restart muster-agent";
  if (has_ended || kept.node.empty() || kept.cluster.empty())
    return text +
           "to let it into a cluster: muster token create --cluster C --role ROLE (of a pool: --pool POOL)\n" +
           here;
  const std::string of_cluster = "--cluster " + kept.cluster;
  text += fmt::format("to make it {} again, where an operator is:\n  muster node replace {} {}\n",
                      kept.node, kept.node, of_cluster);
  text += fmt::format("  muster token create {} --node {} --role {}   (of a pool: --pool POOL)\n",
                      of_cluster, kept.node,
                      document ? std::string(name(document->role.role)) : "ROLE");
  return text + here;
}

class Reset {
 public:
  Reset(Host& host, const std::function<void(std::string_view)>& narrate, TombstoneGoes tombstone,
        EtcdMembership membership, const std::function<void()>& last_word)
      : host_(host),
        narrate_(narrate),
        tombstone_(tombstone),
        membership_(membership),
        last_word_(last_word) {}

  Result<void> run() {
    // Even a damaged checkpoint must not keep anybody from cleaning up, or a master in etcd.
    checkpoint_ = read_checkpoint(host_);
    const auto document = cached_document_of(host_.files);
    const bool has_ended = host_.files.status(paths::tombstone).has_value();
    const Checkpoint kept = checkpoint_;
    if (auto left = leave_etcd_at_all(); !left) return left;
    stop_units();
    unmount();
    remove_pod_networks();
    clean_network();
    remove_packages();
    remove_files();
    if (problems_.empty() && tombstone_ == TombstoneGoes::yes && last_word_) last_word_();
    remove_state();
    remove_told();
    if (!problems_.empty()) return fail(ErrorKind::io, problems_);
    if (tombstone_ == TombstoneGoes::yes) tell_way_back(kept, document, has_ended);
    return {};
  }

 private:
  void tell_way_back(const Checkpoint& kept, const std::optional<NodeDocument>& document,
                     bool has_ended) {
    std::istringstream lines(way_back(kept, document, has_ended));
    for (std::string line; std::getline(lines, line);) narrate_(line);
  }

  Result<void> leave_etcd_at_all() {
    const bool is_ended = tombstone_ == TombstoneGoes::no;
    if (is_ended || membership_ == EtcdMembership::abandoned) return {};
    if (auto left = leave_etcd_first(host_, checkpoint_, narrate_); !left) return left;
    // It is done with: the data goes further down, and a repeated reset has nobody to ask.
    checkpoint_.etcd_started = false;
    checkpoint_.etcd_member_id.clear();
    if (!host_.files.status(paths::checkpoint)) return {};
    return save(checkpoint_, host_.files);
  }

  void check(const Result<void>& done) {
    if (!done) problems_ += (problems_.empty() ? "" : "\n") + done.error().message;
  }

  // Its failure is of no interest: most machines lack most of what is cleaned.
  void try_program(std::vector<std::string> arguments) {
    ProcessRequest request;
    request.arguments = std::move(arguments);
    static_cast<void>(host_.process.run(request));
  }

  void stop_units() {
    narrate_("stopping the agent and its monitors");
    // First of all the agent itself, which would put everything back.
    check(host_.services.stop(
        {"muster-agent.service", "muster-kubelet-monitor.service", "muster-network-monitor.service",
         "muster-runtime-monitor.service", "muster-logrotate.timer"},
        std::chrono::seconds(30)));
    std::vector<std::string> units = component_units();
    for (const auto& [unit, inputs] : checkpoint_.units) {
      if (unit == routes_unit) continue;
      if (std::find(units.begin(), units.end(), unit) == units.end()) units.push_back(unit);
    }
    narrate_("stopping kubelet and ending pods, for at most two minutes");
    check(end_pods(host_));
    narrate_("stopping components");
    check(host_.services.stop(units, std::chrono::seconds(120)));
  }

  void unmount() {
    const auto mounts = host_.files.read("/proc/self/mounts");
    if (!mounts) return;
    for (const auto& mount : mounts_under(*mounts, component_state())) {
      try_program({"/usr/bin/umount", "--lazy", mount});
    }
  }

  // A pod's network namespace is a mounted file, which keeps the pod's interfaces alive.
  void remove_pod_networks() {
    const std::string folder = "/run/netns";
    const auto names = host_.files.list(folder);
    for (std::size_t i = 0; names && i < names->size(); ++i) {
      if ((*names)[i].rfind("cni-", 0) != 0) continue;
      const std::string path = folder + "/" + (*names)[i];
      try_program({"/usr/bin/umount", "--lazy", path});
      check(host_.files.remove(path));
    }
  }

  void clean_network() {
    narrate_("taking back the network");
    // Started without its files, the unit takes back routes, masquerading and peers' names.
    for (const std::string path : {paths::routes, paths::hosts, paths::masquerade}) {
      check(restore_original(host_.files, checkpoint_, path));
      checkpoint_.files.erase(path);
    }
    const auto routes = host_.services.status(routes_unit);
    if (routes && routes->load_state == "loaded") {
      check(host_.services.restart({routes_unit}, std::chrono::seconds(30)));
      check(host_.services.stop({routes_unit}, std::chrono::seconds(30)));
    }
    try_program({paths::program(releases::kubernetes_node, "kube-proxy"), "--cleanup"});
    try_program({"/usr/sbin/nft", "delete", "table", "ip", "kube-proxy"});
    try_program({"/usr/sbin/nft", "delete", "table", "ip6", "kube-proxy"});
    for (const char* link : {"cni0", "flannel.1"}) {
      try_program({"/usr/bin/ip", "link", "delete", link});
    }
  }

  void remove_packages() {
    if (checkpoint_.packages.empty()) return;
    narrate_("removing packages");
    std::vector<std::string> arguments{"--purge"};
    arguments.insert(arguments.end(), checkpoint_.packages.begin(), checkpoint_.packages.end());
    check(await_dpkg(host_, narrate_, [&] { return run_dpkg(host_, arguments); }));
  }

  void remove_files() {
    narrate_("removing files");
    if (host_.files.status(kept_parameters())) {
      try_program({"/usr/lib/systemd/systemd-sysctl", kept_parameters()});
    }
    const auto files = checkpoint_.files;
    for (const auto& path : files) check(restore_original(host_.files, checkpoint_, path));
    for (const auto& path : checkpoint_.created) check(host_.files.remove(path));
    if (checkpoint_.units.contains(host_name_unit)) {
      try_program({"/bin/hostname", "-F", paths::host_name});
    }
    for (const auto& folder : component_state()) check(host_.files.remove(folder));
    remove_inhibitor();
    check(host_.services.daemon_reload());
  }

  void remove_inhibitor() {
    if (!host_.files.status(inhibitor_file)) return;
    check(host_.files.remove(inhibitor_file));
    const auto others = host_.files.list(inhibitor_folder);
    if (others && others->empty()) check(host_.files.remove(inhibitor_folder));
    try_program({"/usr/bin/systemctl", "kill", "--signal=HUP", "systemd-logind.service"});
  }

  // The folder itself may be the unit's StateDirectory: what lies in it goes. The checkpoint is the
  // last, so that a reset that was interrupted still knows what to remove.
  void remove_state() {
    if (!problems_.empty()) return;
    const auto names = host_.files.list(paths::state);
    for (std::size_t i = 0; names && i < names->size(); ++i) {
      const std::string path = std::string(paths::state) + "/" + (*names)[i];
      const bool stays = tombstone_ == TombstoneGoes::no && path == paths::tombstone;
      if (path != paths::checkpoint && !stays) check(host_.files.remove(path));
    }
    if (problems_.empty()) check(host_.files.remove(paths::checkpoint));
  }

  // What was told to people of before, and the monitors' findings: nothing of it is so any longer.
  void remove_told() {
    for (const char* path :
         {paths::kept_status, paths::seen_lease, paths::waiting, paths::monitor_state}) {
      check(host_.files.remove(path));
    }
  }

  Host& host_;
  const std::function<void(std::string_view)>& narrate_;
  const TombstoneGoes tombstone_;
  const EtcdMembership membership_;
  const std::function<void()>& last_word_;
  Checkpoint checkpoint_;
  std::string problems_;
};

}  // namespace

Result<void> reset(Host& host, const std::function<void(std::string_view)>& narrate,
                   TombstoneGoes tombstone, EtcdMembership membership,
                   const std::function<void()>& last_word) {
  return Reset(host, narrate, tombstone, membership, last_word).run();
}

std::vector<std::string> mounts_under(std::string_view mounts,
                                      const std::vector<std::string>& folders) {
  std::istringstream lines{std::string(mounts)};
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string point = line.substr(first + 1, second - first - 1);
    for (const auto& folder : folders) {
      // The folder itself may be a disk of the machine's own and stays mounted.
      if (point.rfind(folder + "/", 0) == 0) found.push_back(point);
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return found;
}

}  // namespace muster
