#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "cli/time_span.hpp"

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

struct LimitOptions {
  std::string name, templates, ttl = "4h";
  int clusters = 0, machines = 0;
  bool none = false;
};

// Null: none are named. Nothing, and what is wrong is said: some are named, and not all.
std::optional<nlohmann::json> limits_in(const Session& session, const LimitOptions& options) {
  if (options.templates.empty() && options.clusters == 0 && options.machines == 0) return nullptr;
  if (options.templates.empty() || options.clusters < 1 || options.machines < 1) {
    static_cast<void>(complain(
        session,
        {ErrorKind::invalid,
         "limits: expected --templates, --clusters and --machines together, found some of them"}));
    return std::nullopt;
  }
  const auto seconds = time_span(session, "--ttl", options.ttl);
  if (!seconds) return std::nullopt;
  nlohmann::json templates = nlohmann::json::array();
  std::istringstream names(options.templates);
  for (std::string name; std::getline(names, name, ',');) templates.push_back(name);
  return nlohmann::json{{"templates", templates},
                        {"clusters", options.clusters},
                        {"machines", options.machines},
                        {"ttlSeconds", *seconds}};
}

void add_limit_options(CLI::App* command, const std::shared_ptr<LimitOptions>& options) {
  command->add_option("--templates", options->templates,
                      "it may only make clusters, from these: ci-small,ci-big");
  command->add_option("--clusters", options->clusters, "and so many at once");
  command->add_option("--machines", options->machines, "with so many machines in all");
  command->add_option("--ttl", options->ttl, "each living so long at most: 90m, 8h, 2d")
      ->capture_default_str();
}

std::string limits_text(const nlohmann::json& row) {
  if (cell(row, "/limits/clusters").empty()) return "";
  return fmt::format("{} cluster(s) of {}, {} machine(s), {} h", cell(row, "/limits/clusters"),
                     cell(row, "/limits/templates"), cell(row, "/limits/machines"),
                     number_at(row, "/limits/ttlSeconds") / 3600);
}

void add_limit(CommandLine& line, CLI::App* group) {
  auto options = std::make_shared<LimitOptions>();
  auto* limit = group->add_subcommand("limit", "changes what an operator is held to");
  limit->add_option("NAME", options->name, "the operator's name")->required();
  add_limit_options(limit, options);
  limit->add_flag("--none", options->none, "it may do everything");
  limit->footer(
      "Example: muster operator limit ci --templates small --clusters 20 --machines 100 --ttl 8h");
  line.on(limit, [options](Session& session) {
    auto limits = limits_in(session, *options);
    if (!limits) return Exit::usage;
    if (limits->is_null() != options->none) {
      return complain(session,
                      {ErrorKind::invalid,
                       "operator limit: expected limits, or --none, found neither or both"});
    }
    nlohmann::json body = nlohmann::json::object();
    if (!limits->is_null()) body["limits"] = *limits;
    return ask_and_show(session, "PUT", "operators/" + escape(options->name) + "/limits", body,
                        [&](const nlohmann::json& answer) {
                          const std::string text = limits_text(answer);
                          return fmt::format("operator {}: {}\n", options->name,
                                             text.empty() ? "no limits" : text);
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
  auto limits = std::make_shared<LimitOptions>();
  add_limit_options(add, limits);
  add->footer(
      "Example: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ci.key -subj /CN=ci -out ci.csr\n"
      "         muster operator add ci --csr ci.csr --templates small --clusters 10 --machines 50 --ttl 8h > ci.crt");
  line.on(add, [=](Session& session) {
    std::ifstream file(*request, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    const auto held = limits_in(session, *limits);
    if (!held) return Exit::usage;
    nlohmann::json body = {{"name", *name}, {"csr", text.str()}};
    if (!held->is_null()) body["limits"] = *held;
    return ask_and_show(session, "POST", "operators", body,
                        [](const nlohmann::json& answer) { return cell(answer, "/certificate"); });
  });

  auto* list = group->add_subcommand("list", "operators and when their certificates end");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "operators", nullptr, [](const nlohmann::json& answer) {
      Table table({"NAME", "EXPIRES", "FINGERPRINT", "LIMITS"});
      for (const auto& row : list_at(answer, "/operators"))
        table.row({cell(row, "/name"), time_text(row, "/expiresAt"), cell(row, "/fingerprint"),
                   limits_text(row)});
      return table.text();
    });
  });

  list->footer("Example: muster operator list");

  add_limit(line, group);

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
