// `muster`, the operator's command: options and groups; every command is in its group's file.
#include <CLI/CLI.hpp>

#include "cli/session.hpp"

int main(int count, char** arguments) {
  CLI::App app("The operator's command of Muster: inventory, machines, releases, secrets.",
               "muster");
  app.require_subcommand(1);
  app.fallthrough();
  muster::Options options;
  app.add_option("--server", options.server,
                 "unix:PATH or https://HOST:PORT of the metadata server")
      ->envname("MUSTER_SERVER")
      ->capture_default_str();
  app.add_option("--certificate", options.certificate, "operator certificate (PEM file), for https")
      ->envname("MUSTER_CERTIFICATE");
  app.add_option("--key", options.key, "its private key (PEM file)")->envname("MUSTER_KEY");
  app.add_option("--ca", options.authority, "the server's CA (PEM file)")->envname("MUSTER_CA");
  app.add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();

  muster::Action chosen;
  muster::CommandLine line{
      app, [&chosen](CLI::App* command, muster::Action action) {
        command->callback([&chosen, action = std::move(action)] { chosen = action; });
      }};
  muster::add_status_commands(line);
  muster::add_inventory_commands(line);
  muster::add_revision_commands(line);
  muster::add_release_commands(line);
  muster::add_secret_commands(line);
  muster::add_node_commands(line);
  muster::add_admission_commands(line);
  muster::add_operator_commands(line);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(muster::Exit::usage);
  }
  muster::Session session(options);
  return static_cast<int>(chosen(session));
}
