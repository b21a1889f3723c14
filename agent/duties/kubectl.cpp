#include "agent/duties/kubectl.hpp"

#include <fmt/format.h>

#include "agent/paths.hpp"
#include "document/release_names.hpp"

namespace muster {
namespace {

// kubectl's exit status is always 1, so its words decide (apimachinery, StatusReason).
ErrorKind kind_of(std::string_view said) {
  const auto has = [&](std::string_view text) { return said.find(text) != std::string_view::npos; };
  if (has("(Forbidden)")) return ErrorKind::forbidden;
  if (has("(Unauthorized)") || has("must be logged in")) return ErrorKind::unauthenticated;
  if (has("(AlreadyExists)") || has("(Conflict)")) return ErrorKind::conflict;
  if (has("(NotFound)")) return ErrorKind::not_found;
  if (has("timed out waiting") || has("exceeded its progress deadline")) return ErrorKind::timeout;
  if (has("was refused") || has("connection reset") || has("i/o timeout") ||
      has("ServiceUnavailable") || has("EOF") || has("TLS handshake timeout")) {
    return ErrorKind::unavailable;
  }
  return ErrorKind::invalid;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t line = text.rfind('\n');
  if (line != std::string_view::npos) text.remove_prefix(line + 1);
  return std::string(text.substr(0, 500));
}

// What keeps a drain, of the lines before the last: `error when evicting pods/"web" -n "ci" (will
// retry after 5s): Cannot evict pod as ...` (k8s.io/kubectl/pkg/drain).
std::string telling_line(std::string_view said) {
  constexpr std::string_view begin = "error when evicting pods/\"", middle = "\" -n \"";
  const auto at = said.find(begin), space = said.find(middle, at), end = said.find("): ", space);
  if (end == std::string_view::npos) return last_line(said);
  const auto pod = said.substr(at + begin.size(), space - at - begin.size());
  const auto name = space + middle.size();
  const auto reason = said.substr(end + 3, said.find('\n', end) - end - 3);
  return fmt::format("pod {}/{}: {}", said.substr(name, said.find('"', name) - name), pod,
                     reason.substr(0, 300));
}

}  // namespace

Kubectl::Kubectl(Process& process, std::string kubeconfig)
    : process_(process), kubeconfig_(std::move(kubeconfig)) {}

Result<std::string> Kubectl::run(std::vector<std::string> arguments, std::string input,
                                 std::chrono::milliseconds timeout) const {
  ProcessRequest request;
  request.arguments = {paths::program(releases::kubernetes_node, "kubectl"), "--kubeconfig",
                       kubeconfig_};
  const std::string command = fmt::format("kubectl {}", arguments.empty() ? "" : arguments.front());
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  // Without a cache of what the API server offers, each call would ask for it first.
  request.environment = {{"KUBECACHEDIR", paths::kubectl_cache}};
  request.input = std::move(input);
  request.timeout = timeout;
  request.output_limit = 64u << 20;
  auto outcome = process_.run(request);
  if (!outcome) return while_doing(outcome.error(), command);
  if (outcome->exit_status == 0) return std::move(outcome->output);
  return fail(kind_of(outcome->error),
              fmt::format("{}: expected exit status 0, found {}: {}", command, outcome->exit_status,
                          telling_line(outcome->error)));
}

}  // namespace muster
