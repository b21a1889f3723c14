#include "cli/command_line.hpp"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "document/utf8.hpp"
#include "inventory/suggest.hpp"
#include "result/version.hpp"

namespace muster {
namespace {

void add_options(CLI::App& app, Options& options) {
  app.add_option("--server", options.server,
                 "unix:PATH or https://HOST:PORT of the metadata server")
      ->envname("MUSTER_SERVER")
      ->capture_default_str();
  app.add_option("--certificate", options.certificate,
                 "for https: operator certificate (PEM file) [~/.config/muster/operator.crt]")
      ->envname("MUSTER_CERTIFICATE");
  app.add_option("--key", options.key, "its private key (PEM file) [~/.config/muster/operator.key]")
      ->envname("MUSTER_KEY");
  app.add_option("--ca", options.authority, "the server's CA (PEM file) [~/.config/muster/ca.crt]")
      ->envname("MUSTER_CA");
  app.add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

// What is wrong, and where to read on. Of an unknown command CLI11 says that some is required.
std::string usage_problem(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* group = &app;
  std::string words = "muster", path;
  while (!group->get_subcommands().empty()) {
    group = group->get_subcommands().front();
    words += " " + group->get_name();
    path += group->get_name() + " ";
  }
  std::vector<std::string> names;
  for (const auto* command : group->get_subcommands({})) names.push_back(command->get_name());
  const bool lacks_command =
      !names.empty() && (error.get_name() == "RequiredError" || error.get_name() == "ExtrasError");
  const auto extra = app.remaining(true);
  if (lacks_command && extra.empty())
    return fmt::format("expected a command after '{}', found none{}; see {} --help", words,
                       path.empty() ? "" : fmt::format(": {}", fmt::join(names, ", ")), words);
  if (!lacks_command || extra.front().starts_with('-'))
    return fmt::format("{}; see {} --help", printable(error.what()), words);
  const std::string nearest = did_you_mean(extra.front(), {names.begin(), names.end()});
  return fmt::format("unknown command '{}{}'{} {} --help", path, printable(extra.front()),
                     nearest.empty() ? "; see" : ": " + nearest + " See", words);
}

}  // namespace

void build_command_line(CLI::App& app, Options& options, Action& chosen) {
  app.set_version_flag("--version", program_version);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 invalid inventory, 4 no answer from the server, 5 refused, 6 the server holds to it, and it is not in effect everywhere (apply --wait; ban, unban, node drain, undrain and remove).\n"
      "To publish: muster validate DIR, muster diff DIR, muster apply DIR --wait.\n"
      "To look: muster status, muster node list, muster node show NAME, muster explain enrolment NAME.\n"
      "Example: muster status");
  add_options(app, options);
  CommandLine line{app, [&chosen](CLI::App* command, Action action) {
                     command->callback([&chosen, action = std::move(action)] { chosen = action; });
                   }};
  add_status_commands(line);
  add_inventory_commands(line);
  add_enrolment_commands(line);
  add_apply_commands(line);
  add_revision_commands(line);
  add_document_key_commands(line);
  add_release_commands(line);
  add_image_commands(line);
  add_secret_commands(line);
  add_node_commands(line);
  add_cluster_commands(line);
  add_on_demand_commands(line);
  add_admission_commands(line);
  add_kubeconfig_command(line);
  add_audit_command(line);
  add_operator_commands(line);
  add_clock_commands(line);
  add_dhcp_commands(line);
  add_backup_commands(line);
  add_restore_commands(line);
}

int run_muster(int count, const char* const* arguments) {
  CLI::App app("The operator's command of Muster: inventory, machines, releases, secrets.",
               "muster");
  Options options;
  Action chosen;
  build_command_line(app, options, chosen);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "muster: %s\n", usage_problem(app, error).c_str());
    return static_cast<int>(Exit::usage);
  }
  Session session(options);
  return static_cast<int>(chosen(session));
}

}  // namespace muster
