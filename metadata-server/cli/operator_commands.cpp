#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "cli/answer.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

void add_kubeconfig(CommandLine& line) {
  auto cluster = std::make_shared<std::string>();
  auto break_glass = std::make_shared<bool>(false);
  auto hours = std::make_shared<int>(12);
  auto* command = line.app.add_subcommand(
      "kubeconfig", "Prints a kubeconfig with a short-lived certificate in your name");
  command->add_option("--cluster", *cluster, "the cluster's name")->required();
  command->add_option("--ttl", *hours, "hours that it is valid")
      ->check(CLI::Range(1, 24))
      ->capture_default_str();
  command->add_flag("--break-glass", *break_glass,
                    "system:masters, one hour: past RBAC, in the audit apart");
  command->footer("Example: muster kubeconfig --cluster lab > ~/.kube/config");
  line.on(command, [=](Session& session) {
    const int seconds = (*break_glass ? 1 : *hours) * 3600;
    return ask_and_show(
        session, "POST", "kubeconfig",
        {{"cluster", *cluster}, {"ttlSeconds", seconds}, {"breakGlass", *break_glass}},
        [](const nlohmann::json& answer) { return cell(answer, "/kubeconfig"); });
  });
}

void add_audit(CommandLine& line) {
  auto after = std::make_shared<std::string>();
  auto limit = std::make_shared<int>(100);
  auto* command = line.app.add_subcommand("audit", "Who was granted what, oldest first");
  command->footer("Example: muster audit --limit 20");
  command->add_option("--after", *after, "rows after this key");
  command->add_option("--limit", *limit, "most rows to show")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  line.on(command, [=](Session& session) {
    return ask_and_show(
        session, "GET", fmt::format("audit?after={}&limit={}", escape(*after), *limit), nullptr,
        [](const nlohmann::json& answer) {
          Table table({"TIME", "ACTOR", "ACTION", "SUBJECT", "DETAIL"});
          for (const auto& row : list_at(answer, "/rows")) {
            table.row({time_text(row, "/time"), cell(row, "/actor"), cell(row, "/action"),
                       cell(row, "/subject"), cell(row, "/detail")});
          }
          if (number_at(answer, "/olderFiles") == 0) return table.text();
          return table.text() +
                 fmt::format("older rows: {} file(s) in {} on the server, for zcat\n",
                             cell(answer, "/olderFiles"), cell(answer, "/olderFolder"));
        });
  });
}

}  // namespace

void add_operator_commands(CommandLine& line) {
  add_kubeconfig(line);
  add_audit(line);
  auto* group = line.app.add_subcommand(
      "operator", "People and jobs that may use the operator's API from elsewhere");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>(), request = std::make_shared<std::string>();

  auto* add = group->add_subcommand("add", "signs a certificate request; prints the certificate");
  add->add_option("NAME", *name, "the operator's name, in every audit row")->required();
  add->add_option("--csr", *request,
                  "certificate request (PEM file); its key stays with the operator")
      ->required()
      ->check(CLI::ExistingFile);
  add->footer(
      "Example: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ci.key "
      "-subj /CN=ci -out ci.csr\n"
      "         muster operator add ci --csr ci.csr > ci.crt");
  line.on(add, [=](Session& session) {
    std::ifstream file(*request, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return ask_and_show(session, "POST", "operators", {{"name", *name}, {"csr", text.str()}},
                        [](const nlohmann::json& answer) { return cell(answer, "/certificate"); });
  });

  auto* list = group->add_subcommand("list", "operators and when their certificates end");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "operators", nullptr, [](const nlohmann::json& answer) {
      Table table({"NAME", "EXPIRES", "FINGERPRINT"});
      for (const auto& row : list_at(answer, "/operators"))
        table.row({cell(row, "/name"), time_text(row, "/expiresAt"), cell(row, "/fingerprint")});
      return table.text();
    });
  });

  list->footer("Example: muster operator list");

  auto* revoke = group->add_subcommand("revoke", "ends an operator's access at once");
  revoke->add_option("NAME", *name, "the operator's name")->required();
  revoke->footer("Example: muster operator revoke ci");
  line.on(revoke, [=](Session& session) {
    return ask_and_show(
        session, "DELETE", "operators/" + escape(*name), nullptr,
        [name](const nlohmann::json&) { return fmt::format("operator {} revoked\n", *name); });
  });
}

}  // namespace muster
