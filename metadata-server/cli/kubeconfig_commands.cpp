#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "cli/text_file.hpp"
#include "cli/time_span.hpp"

namespace muster {
namespace {

struct KubeconfigOptions {
  std::string cluster, path, ttl = "12h";
  bool break_glass = false;
};

constexpr std::string_view mark =
    "# Made by `muster kubeconfig --write`, which replaces this file the next time.\n";

// One that somebody wrote may hold the only key to another cluster.
Result<void> check_replaceable(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return {};
  constexpr std::size_t largest = 1u << 20;
  const auto text = read_text_file(path, largest);
  if (text && text->starts_with(mark)) return {};
  return fail(
      ErrorKind::conflict,
      fmt::format(
          "'{}': is there, and not made by `muster kubeconfig --write`; write another file, and name it in KUBECONFIG",
          path));
}

Exit write(Session& session, const KubeconfigOptions& options, const nlohmann::json& order) {
  if (auto free = check_replaceable(options.path); !free) return complain(session, free.error());
  const auto answer = session.ask("POST", "kubeconfig", order);
  if (!answer) return complain(session, answer.error());
  const std::string text = std::string(mark) + cell(*answer, "/kubeconfig");
  if (auto written = write_private_file(options.path, text); !written)
    return complain(session, written.error());
  print(session.wants_json()
            ? json_text({{"file", options.path}, {"contexts", list_at(*answer, "/contexts")}})
            : fmt::format("{}: contexts {}\n", options.path, cell(*answer, "/contexts")));
  return Exit::ok;
}

}  // namespace

void add_kubeconfig_command(CommandLine& line) {
  auto options = std::make_shared<KubeconfigOptions>();
  auto* command = line.app.add_subcommand(
      "kubeconfig", "Prints a kubeconfig with a short-lived certificate in your name");
  command->add_option("--cluster", options->cluster, "the cluster's name")->required();
  command->add_option("--ttl", options->ttl, "how long it is valid, 1m to 24h: 30m, 8h")
      ->capture_default_str();
  command->add_flag("--break-glass", options->break_glass,
                    "system:masters, one hour: past RBAC, in the audit apart");
  command->add_option("--write", options->path, "into this file, with mode 0600, and not here");
  command->footer(
      "Where the cluster has no address of its own, there is a context for each master besides: kubectl --context anna@lab-m2\n"
      "Example: muster kubeconfig --cluster lab --write ~/.kube/lab && export KUBECONFIG=~/.kube/lab");
  line.on(command, [options](Session& session) {
    const std::string ttl = options->break_glass ? "1h" : options->ttl;
    // A bare number is hours: scripts of before say so.
    const bool has_unit = ttl.find_first_not_of("0123456789") != std::string::npos;
    const auto seconds = time_span(session, "--ttl", ttl + (has_unit ? "" : "h"), {"1m", "24h"});
    if (!seconds) return Exit::usage;
    const nlohmann::json order = {{"cluster", options->cluster},
                                  {"ttlSeconds", *seconds},
                                  {"breakGlass", options->break_glass}};
    if (!options->path.empty()) return write(session, *options, order);
    return ask_and_show(session, "POST", "kubeconfig", order,
                        [](const nlohmann::json& answer) { return cell(answer, "/kubeconfig"); });
  });
}

}  // namespace muster
