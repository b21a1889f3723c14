#include "agent/monitor/probe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/paths.hpp"
#include "client/http_client.hpp"

namespace muster {
namespace {

Result<void> probe_kubelet(const MonitorSubject& subject) {
  HttpClientSettings settings;
  settings.base_url = "http://127.0.0.1:10248";
  settings.connect_timeout = subject.probe_timeout;
  settings.total_timeout = subject.probe_timeout;
  HttpClient client(settings);
  HttpRequest request;
  request.path = "/healthz";
  const auto answer = client.send(request);
  if (!answer) return pass(answer.error());
  if (answer->status == 200) return {};
  return fail(ErrorKind::unavailable,
              fmt::format("http://127.0.0.1:10248/healthz: expected 200, found {} '{}'",
                          answer->status, answer->body.substr(0, 200)));
}

// kube-proxy listens at the machine's own address: "10.77.0.21:10256".
std::string kube_proxy_address(const Filesystem& files) {
  constexpr std::string_view field = "healthzBindAddress:";
  const auto text = files.read(paths::kube_proxy_config, 1u << 20);
  const auto at = text ? text->find(field) : std::string::npos;
  if (at == std::string::npos) return {};
  std::string value = text->substr(at + field.size());
  value.resize(std::min(value.size(), value.find('\n')));
  std::erase_if(value, [](char c) { return c == ' ' || c == '"' || c == '\''; });
  return value;
}

// "10.77.0.11:6443", by the arguments that it was started with.
std::string api_server_address(const Filesystem& files) {
  const auto text = files.read(paths::arguments_of("kube-apiserver"), 1u << 20);
  const auto value = [&](std::string_view flag) {
    const auto at = text ? text->find(flag) : std::string::npos;
    if (at == std::string::npos) return std::string();
    const auto from = at + flag.size();
    return text->substr(from, text->find_first_of(" \"\n", from) - from);
  };
  const std::string address = value("--bind-address="), port = value("--secure-port=");
  if (address.empty() || port.empty()) return {};
  return (address == "0.0.0.0" ? "127.0.0.1" : address) + ":" + port;
}

// Silence is what counts. A component that refuses connections exits, which systemd sees, or was
// told to listen elsewhere.
Result<void> probe_url(const MonitorSubject& subject, const Filesystem& files) {
  std::string url = subject.url;
  if (url[0] == '/') {
    const bool is_api = subject.name == "kube-apiserver";
    const std::string address = is_api ? api_server_address(files) : kube_proxy_address(files);
    if (address.empty()) return {};
    url = (is_api ? "https://" : "http://") + address + url;
  }
  const auto path_at = url.find('/', url.find("//") + 2);
  HttpClientSettings settings;
  settings.base_url = url.substr(0, path_at);
  settings.connect_timeout = subject.probe_timeout;
  settings.total_timeout = subject.probe_timeout;
  settings.tls.verify_server = false;  // its certificate is its own, on this machine
  HttpClient client(settings);
  HttpRequest request;
  request.path = url.substr(path_at);
  const auto answer = client.send(request);
  if (answer && answer->status == 200) return {};
  if (answer) {
    return fail(ErrorKind::unavailable, fmt::format("{}: expected 200, found {} '{}'", url,
                                                    answer->status, answer->body.substr(0, 200)));
  }
  const bool is_refused = answer.error().message.find(": no connection (") != std::string::npos;
  return is_refused ? Result<void>() : pass(answer.error());
}

// What kubelet asks most: it hangs with the locks that everything of the CRI takes. A machine whose
// document has no cri-tools is asked by containerd's own client, which sees less.
ProcessRequest runtime_question(const MonitorSubject& subject, const Filesystem& files) {
  ProcessRequest request;
  request.timeout = subject.probe_timeout;
  const std::string crictl = paths::program("cri-tools", "crictl");
  const std::string socket = paths::containerd_socket;
  if (files.status(crictl)) {
    request.arguments = {crictl,
                         "--config=/dev/null",
                         "--runtime-endpoint=unix://" + socket,
                         fmt::format("--timeout={}s", subject.probe_timeout.count()),
                         "pods",
                         "--quiet"};
  } else {
    request.arguments = {paths::program("containerd", "ctr"), "--address", socket, "version"};
  }
  return request;
}

Result<void> probe_runtime(const MonitorSubject& subject, Host& host) {
  const auto request = runtime_question(subject, host.files);
  const auto outcome = host.process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status == 0) return {};
  const auto& program = request.arguments.front();
  return fail(ErrorKind::unavailable,
              fmt::format("`{} {}`: expected an answer, found exit status {}: {}",
                          program.substr(program.find_last_of('/') + 1),
                          request.arguments.back() == "version" ? "version" : "pods",
                          outcome->exit_status, outcome->error.substr(0, 200)));
}

}  // namespace

Result<void> probe(const MonitorSubject& subject, Host& host) {
  if (!subject.url.empty()) return probe_url(subject, host.files);
  return subject.name == "kubelet" ? probe_kubelet(subject) : probe_runtime(subject, host);
}

}  // namespace muster
