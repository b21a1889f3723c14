#include "agent/readiness.hpp"

#include <nlohmann/json.hpp>

#include "agent/duties/kubectl.hpp"
#include "agent/node/node_marks.hpp"
#include "agent/node/node_object.hpp"
#include "agent/paths.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

Result<TlsClientSettings> kubelet_tls(const Filesystem& files) {
  TlsClientSettings tls;
  for (const auto& [file, target] :
       {std::pair{"ca.crt", &tls.authorities_pem}, std::pair{"tls.crt", &tls.certificate_pem},
        std::pair{"tls.key", &tls.key_pem}}) {
    auto pem = files.read(paths::certificate("kubelet-client", file));
    if (!pem) return pass(pem.error());
    *target = *pem;
  }
  return tls;
}

// The API server's own word; whatever else answers 404 has said nothing of the Node.
bool is_node_missing(const ApiAnswer& answer) {
  if (answer.status != 404) return false;
  const auto status = parse_strict_json("Status", answer.body, {1u << 20, 64});
  return status && text_at(*status, "reason") == "NotFound";
}

// kubelet tries to register until it has, which takes a slow machine a minute; then never again.
// One that has is not restarted right after its start all the same: it may be at it once more.
constexpr std::chrono::seconds young_limit(30);
// Of one that nobody saw to have registered: it has by then, or another start does no better.
constexpr std::chrono::seconds registration_limit(300);
// From its restart to Ready.
constexpr std::chrono::milliseconds return_limit(30000);

std::uint32_t kubelet_pid(const Host& host) {
  const auto unit = host.services.status("kubelet.service");
  return unit ? unit->main_pid : 0;
}

// A kubelet that has not registered yet does so by itself, whoever started it: a restart would only
// send it back to the start.
bool has_had_time(const Run& run) {
  const std::uint32_t pid = kubelet_pid(run.host);
  if (pid == 0) return false;
  const auto age = process_age(run.host, pid);
  return age && *age >= (run.memory.registered_kubelet == pid ? young_limit : registration_limit);
}

// True: kubelet was restarted, so that it registers again. Else tells in `error` what is waited
// for.
ConvergeResult<bool> put_node_back(Run& run, const NodeDocument& document, const PeerList& peers,
                                   Error& error) {
  if (!is_peer(peers, document.role.node) || !has_had_time(run)) return false;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(run.host.clock.now().time_since_epoch())
          .count();
  NodeRestarts& restarts = run.checkpoint.node_restarts;
  if (const auto left = until_node_restart(restarts, now); left.count() > 0) {
    error.message +=
        fmt::format("; deleted again and again: kubelet is restarted in {} s, so that it registers",
                    left.count());
    return false;
  }
  restarts = with_node_restart(restarts, now);
  // Known before it is done. A full disk must not keep the Node away.
  static_cast<void>(save(run.checkpoint, run.host.files));
  run.reporter.note(
      fmt::format("node '{}' is not in the cluster: kubelet is restarted, so that it registers",
                  document.role.node));
  const auto restarted = run.host.services.restart({"kubelet.service"}, std::chrono::seconds(60));
  if (!restarted) return fail_converge(FailureClass::kubelet, restarted.error());
  return true;
}

// What a person set on the Node, put back where the object is another one.
void keep_marks(Run& run, const NodeDocument& document, const std::string& node_json) {
  const auto seen = marks_in(node_json);
  if (!seen) return;
  const auto now = std::chrono::system_clock::to_time_t(run.host.clock.now());
  NodeMarks& kept = run.checkpoint.node_marks;
  const auto decision = decide_marks(kept, *seen, now);
  const std::string& name = document.role.node;
  if (decision.has_to_cordon) {
    const Kubectl kubectl(run.host.process, paths::kubeconfig("kubelet"));
    const auto cordoned = kubectl.run({"cordon", name});
    if (!cordoned) {
      // Tried again at the next look.
      run.memory.own_unwell.push_back(
          {"node",
           fmt::format(
               "was cordoned by a person, and its new Node object is not: {}; kubectl cordon {}",
               cordoned.error().message, name),
           0});
      return;
    }
    run.reporter.note(fmt::format("node '{}' is there again, and cordoned as it was", name));
  }
  kept = decision.marks;
  if (auto text = lost_taints_text(kept, name, now); !text.empty()) {
    run.memory.own_unwell.push_back({"node", std::move(text), 0});
  }
}

}  // namespace

Result<void> await_api(const Host& host, Network& network, const std::string& url,
                       std::chrono::milliseconds limit) {
  TlsClientSettings tls;
  auto authority = host.files.read(paths::authority("cluster"));
  if (!authority) return pass(authority.error());
  tls.authorities_pem = *authority;
  const Deadline end(host.clock, limit);
  for (;;) {
    const auto answer = network.get(url, "/readyz", tls);
    if (answer && answer->status == 200) return {};
    if (end.has_passed()) {
      if (!answer) return pass(answer.error());
      return fail(ErrorKind::unavailable, fmt::format("{}/readyz answered {}: {}", url,
                                                      answer->status, answer->body.substr(0, 300)));
    }
    host.clock.sleep(std::chrono::milliseconds(50));
  }
}

Result<void> parse_node_ready(std::string_view node_json, const KubeletStart& start) {
  JsonLimits limits;
  limits.size = 4u << 20;
  limits.depth = 64;
  const auto json = parse_strict_json("Node", node_json, limits);
  if (!json) return pass(json.error());
  const auto reported_boot = nlohmann::json::json_pointer("/status/nodeInfo/bootID");
  const bool is_of_this_boot =
      json->contains(reported_boot) && (*json)[reported_boot] == start.boot_id;
  if (!is_of_this_boot) {
    return fail(ErrorKind::conflict, "node is not Ready: kubelet has not reported in this boot");
  }
  const auto conditions = nlohmann::json::json_pointer("/status/conditions");
  if (json->contains(conditions) && (*json)[conditions].is_array()) {
    for (const auto& condition : (*json)[conditions]) {
      if (!condition.is_object() || text_at(condition, "type") != "Ready") continue;
      if (text_at(condition, "lastHeartbeatTime") < start.at) break;
      if (text_at(condition, "status") == "True") return {};
      return fail(ErrorKind::conflict,
                  fmt::format("node is not Ready: {}: {}", text_at(condition, "reason"),
                              text_at(condition, "message")));
    }
  }
  return fail(ErrorKind::conflict, "node is not Ready: kubelet has not reported yet");
}

Result<std::string> get_node(const Host& host, Network& network, const NodeDocument& document) {
  auto tls = kubelet_tls(host.files);
  if (!tls) return pass(tls.error());
  const auto& api = document.role.cluster.api;
  const std::string url = fmt::format("https://{}:{}", api.host, api.port);
  auto answer = network.get(url, "/api/v1/nodes/" + document.role.node, *tls);
  if (!answer) return pass(answer.error());
  if (is_node_missing(*answer)) {
    return fail(ErrorKind::not_found,
                fmt::format("node '{}' is not registered; journalctl -u kubelet.service -b",
                            document.role.node));
  }
  if (answer->status != 200) {
    return fail(ErrorKind::unavailable,
                fmt::format("{} answered {} to a GET of node '{}': {}", url, answer->status,
                            document.role.node, answer->body.substr(0, 300)));
  }
  return std::move(answer->body);
}

Result<void> check_node_ready(const Host& host, Network& network, const NodeDocument& document,
                              const KubeletStart& start) {
  const auto node = get_node(host, network, document);
  return node ? parse_node_ready(*node, start) : pass(node.error());
}

ConvergeResult<> await_node_ready(Run& run, const NodeDocument& document, const PeerList& peers,
                                  const KubeletStart& start, ExitWatch& exits,
                                  std::chrono::milliseconds limit) {
  run.reporter.begin("node-ready");
  Deadline end(run.host.clock, std::min(limit, run.deadline.left()));
  bool may_put_back = true;
  for (;;) {
    const auto node = get_node(run.host, run.network, document);
    if (node) keep_marks(run, document, *node);
    auto ready = node ? parse_node_ready(*node, start) : pass(node.error());
    if (ready) {
      run.memory.registered_kubelet = kubelet_pid(run.host);
      return {};
    }
    const bool is_missing = ready.error().kind == ErrorKind::not_found;
    if (is_missing && may_put_back) {
      const auto put_back = put_node_back(run, document, peers, ready.error());
      if (!put_back) return pass_failure(put_back.error());
      may_put_back = !*put_back;
      if (*put_back) end = Deadline(run.host.clock, std::min(return_limit, run.deadline.left()));
    }
    if (auto failure = exits.look(run.host)) return pass_failure(std::move(*failure));
    if (end.has_passed()) {
      const bool is_of_kubelet = is_missing || ready.error().kind == ErrorKind::conflict;
      return fail_converge(is_of_kubelet ? FailureClass::kubelet : FailureClass::api,
                           ready.error());
    }
    run.host.clock.sleep(std::chrono::milliseconds(100));
  }
}

}  // namespace muster
