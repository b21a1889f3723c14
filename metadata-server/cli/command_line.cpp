#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>

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

}  // namespace

void build_command_line(CLI::App& app, Options& options, Action& chosen) {
  app.set_version_flag("--version", program_version);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 invalid inventory, 4 no answer from the server, 5 refused.\nExample: muster status");
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
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  Session session(options);
  return static_cast<int>(chosen(session));
}

}  // namespace muster
