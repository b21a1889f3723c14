#include "cli/command_line.hpp"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

#include "operator_api.hpp"

using namespace muster;

namespace {

// Every command without subcommands, as its words.
void collect(const CLI::App& app, const std::string& words, std::vector<std::string>& found) {
  const auto subcommands = app.get_subcommands({});
  for (const CLI::App* command : subcommands) {
    collect(*command, words.empty() ? command->get_name() : words + " " + command->get_name(),
            found);
  }
  if (!subcommands.empty()) return;
  found.push_back(words);
  CHECK_MESSAGE(app.get_footer().find("Example: ") != std::string::npos, words);
  CHECK_MESSAGE(!app.get_description().empty(), words);
  for (const CLI::Option* option : app.get_options()) {
    const std::string place = words + " " + option->get_name();
    CHECK_MESSAGE(!option->get_description().empty(), place);
  }
}

}  // namespace

TEST_CASE("every command is there, explains itself and shows an example") {
  CLI::App app("x", "muster");
  Options options;
  Action chosen;
  build_command_line(app, options, chosen);
  std::vector<std::string> found;
  collect(app, "", found);
  CHECK(found == std::vector<std::string>{"init",
                                          "status",
                                          "completion",
                                          "validate",
                                          "explain node",
                                          "explain enrolment",
                                          "translate",
                                          "render",
                                          "diff",
                                          "apply",
                                          "revision list",
                                          "revision diff",
                                          "revision rollback",
                                          "document-key create",
                                          "document-key add",
                                          "document-key list",
                                          "document-key revoke",
                                          "release import",
                                          "release list",
                                          "release verify",
                                          "release remove",
                                          "release prune",
                                          "image build",
                                          "image list",
                                          "image show",
                                          "image prune",
                                          "secret set",
                                          "secret list",
                                          "secret remove",
                                          "node list",
                                          "node show",
                                          "node timeline",
                                          "node converge",
                                          "node replace",
                                          "node reprovision",
                                          "node wipe-disk",
                                          "node unfreeze",
                                          "node drain",
                                          "node undrain",
                                          "node remove",
                                          "cluster reinitialise",
                                          "cluster create",
                                          "cluster list",
                                          "cluster scale",
                                          "cluster extend",
                                          "cluster delete",
                                          "template set",
                                          "template list",
                                          "template remove",
                                          "user-data",
                                          "token create",
                                          "token list",
                                          "token revoke",
                                          "pending",
                                          "approve",
                                          "ban",
                                          "unban",
                                          "kubeconfig",
                                          "audit",
                                          "operator add",
                                          "operator list",
                                          "operator limit",
                                          "operator revoke",
                                          "clock show",
                                          "clock confirm",
                                          "dhcp config",
                                          "dhcp alone",
                                          "backup key new",
                                          "backup show",
                                          "restore status",
                                          "restore open"});
}

TEST_CASE("wrong usage is exit 2, help is exit 0") {
  CHECK(fake::muster({"--help"}).exit == 0);
  CHECK(fake::muster({"node", "show", "--help"}).out.find("Example: muster node show m1") !=
        std::string::npos);
  CHECK(fake::muster({}).exit == 2);
  CHECK(fake::muster({"nodes"}).exit == 2);
  CHECK(fake::muster({"bogus"}).err == "muster: unknown command 'bogus'; see muster --help\n");
  CHECK(fake::muster({"stauts", "--watch"}).err ==
        "muster: unknown command 'stauts': did you mean 'status'? See muster --help\n");
  CHECK(fake::muster({"node", "shwo", "m1"}).err ==
        "muster: unknown command 'node shwo': did you mean 'show'? See muster node --help\n");
  CHECK(
      fake::muster({"token"}).err ==
      "muster: expected a command after 'muster token', found none: create, list, revoke; see muster token --help\n");
  CHECK(fake::muster({"node", "list", "bogus"}).err ==
        "muster: The following argument was not expected: bogus; see muster node list --help\n");
  CHECK(fake::muster({"token", "create"}).err ==
        "muster: --cluster is required; see muster token create --help\n");
  CHECK(fake::muster({}).err ==
        "muster: expected a command after 'muster', found none; see muster --help\n");
  CHECK(fake::muster({"status", "-o", "yaml"}).exit == 2);
  CHECK(fake::muster({"token", "create", "--cluster", "lab", "--ttl", "soon"}).exit == 2);
  // A secret's value has no place on the command line.
  CHECK(fake::muster({"secret", "set", "db", "hunter2", "--cluster", "lab"}).exit == 2);
}

TEST_CASE("no server is exit 4 and says where it was looked for") {
  const auto ran = fake::muster({"--server", "unix:/nonexistent/admin.sock", "status"});
  CHECK(ran.exit == 4);
  CHECK(ran.out.empty());
  CHECK(
      ran.err.find(
          "muster: is muster-server running? See: systemctl status muster-server (asked unix:/nonexistent/admin.sock)\n") !=
      std::string::npos);
}

TEST_CASE("an https server without credentials says where they are looked for") {
  const auto ran = fake::muster(
      {"--server", "https://127.0.0.1:1", "--certificate", "/nonexistent/op.crt", "status"});
  CHECK(ran.exit == 1);
  CHECK(
      ran.err ==
      "muster: '/nonexistent/op.crt': cannot be read. An https server needs --certificate, --key and --ca, or operator.crt, operator.key and ca.crt in ~/.config/muster (see muster operator add --help)\n");
}

TEST_CASE("completion knows the commands") {
  const auto ran = fake::muster({"completion", "bash"});
  CHECK(ran.exit == 0);
  CHECK(
      ran.out.find(
          "node) words=\"list show timeline converge replace reprovision wipe-disk unfreeze drain undrain remove\"") !=
      std::string::npos);
  CHECK(fake::muster({"completion", "zsh"}).out.rfind("autoload -U bashcompinit", 0) == 0);
}
