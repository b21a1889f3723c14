#include "agent/monitor/probe.hpp"

#include <fmt/format.h>

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
  return subject.name == "kubelet" ? probe_kubelet(subject) : probe_runtime(subject, host);
}

}  // namespace muster
