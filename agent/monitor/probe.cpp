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

Result<void> probe_runtime(const MonitorSubject& subject, Host& host) {
  ProcessRequest request;
  request.arguments = {paths::program("containerd", "ctr"), "--address", paths::containerd_socket,
                       "version"};
  request.timeout = subject.probe_timeout;
  const auto outcome = host.process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status == 0) return {};
  return fail(ErrorKind::unavailable,
              fmt::format("`ctr version`: expected an answer, found exit status {}: {}",
                          outcome->exit_status, outcome->error.substr(0, 200)));
}

}  // namespace

Result<void> probe(const MonitorSubject& subject, Host& host) {
  return subject.name == "kubelet" ? probe_kubelet(subject) : probe_runtime(subject, host);
}

}  // namespace muster
