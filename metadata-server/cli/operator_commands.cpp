#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <sstream>

#include "cli/answer.hpp"
#include "cli/operator_bundle.hpp"
#include "cli/session.hpp"
#include "cli/text_file.hpp"
#include "cli/time_span.hpp"
#include "document/time_text.hpp"

namespace muster {
namespace {

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
  const auto seconds = time_span(session, "--ttl", options.ttl, {"10m", "30d"});
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
  command->add_option("--ttl", options->ttl, "each living so long at most, 10m to 30d: 90m, 8h, 2d")
      ->capture_default_str();
}

std::string limits_text(const nlohmann::json& row) {
  if (cell(row, "/limits/clusters").empty()) return "";
  return fmt::format("{} cluster(s) of {}, {} machine(s), {}", cell(row, "/limits/clusters"),
                     cell(row, "/limits/templates"), cell(row, "/limits/machines"),
                     duration_text(std::chrono::seconds(number_at(row, "/limits/ttlSeconds"))));
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
      static_cast<void>(
          complain(session, {ErrorKind::invalid,
                             "operator limit: expected limits, or --none, found neither or both"}));
      return Exit::usage;
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

struct AddOptions {
  std::string name, request, folder, pin;
  bool unrestricted = false;
};

// The server's word for its CA is taken by its site key alone: the pin that was given, or that of
// the server that is asked.
Result<std::string> authorities_of(Session& session, const std::string& given_pin) {
  std::string pin = given_pin;
  if (pin.empty()) {
    const auto site = session.ask("GET", "site");
    if (!site) return pass(site.error());
    pin = cell(*site, "/pin");
  }
  return server_authorities(session, pin);
}

Exit add_bundle(Session& session, const AddOptions& options, nlohmann::json body) {
  // What can fail comes before the certificate, which replaces an older one of that name.
  const auto authorities = authorities_of(session, options.pin);
  if (!authorities) return complain(session, authorities.error());
  const auto bundle = begin_bundle(options.folder, options.name, body.value("csr", std::string()));
  if (!bundle) return complain(session, bundle.error());
  body["csr"] = bundle->request;
  const auto answer = session.ask("POST", "operators", body);
  if (!answer) return complain(session, answer.error());
  if (auto kept = finish_bundle(*bundle, cell(*answer, "/certificate"), *authorities); !kept)
    return complain(session, kept.error());
  print(
      session.wants_json()
          ? json_text({{"name", options.name}, {"folder", options.folder}})
          : fmt::format(
                "{}: operator.key, operator.crt and ca.crt of {}, for their ~/.config/muster; then: muster --server https://HOST:8444 status\n",
                options.folder, options.name));
  return Exit::ok;
}

Exit add_operator(Session& session, const AddOptions& options, const LimitOptions& limits) {
  if (options.request.empty() && options.folder.empty()) {
    static_cast<void>(complain(
        session,
        {ErrorKind::invalid, "operator add: expected --out DIR, or --csr FILE, found neither"}));
    return Exit::usage;
  }
  const auto held = limits_in(session, limits);
  if (!held) return Exit::usage;
  nlohmann::json body = {{"name", options.name}};
  if (!held->is_null()) body["limits"] = *held;
  if (options.unrestricted) body["unrestricted"] = true;
  if (!options.request.empty()) {
    constexpr std::size_t largest_request = 16u << 10;
    const auto request = read_text_file(options.request, largest_request);
    if (!request) return complain(session, request.error());
    body["csr"] = *request;
  }
  if (!options.folder.empty()) return add_bundle(session, options, std::move(body));
  return ask_and_show(session, "POST", "operators", body,
                      [](const nlohmann::json& answer) { return cell(answer, "/certificate"); });
}

void add_add(CommandLine& line, CLI::App* group) {
  auto options = std::make_shared<AddOptions>();
  auto limits = std::make_shared<LimitOptions>();
  auto* add = group->add_subcommand(
      "add", "makes a certificate: a folder with all that its owner needs, or of a request");
  add->add_option("NAME", options->name, "the operator's name, in every audit row")->required();
  add->add_option("--out", options->folder,
                  "folder for operator.key, operator.crt and ca.crt; a key that is there is kept");
  add->add_option("--csr", options->request,
                  "certificate request (PEM file): its key stays with the operator")
      ->check(CLI::ExistingFile);
  add->add_option("--pin", options->pin,
                  "sha256:... that the server's CA is checked by [what this server says]");
  add_limit_options(add, limits);
  add->add_flag("--unrestricted", options->unrestricted,
                "it may do everything, whatever an operator of that name was held to");
  add->footer(
      "Without --out it prints the certificate alone.\n"
      "Example: muster operator add anna --out anna\n"
      "         openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ci.key -subj /CN=ci -out ci.csr\n"
      "         muster operator add ci --csr ci.csr --templates small --clusters 10 --machines 50 --ttl 8h > ci.crt");
  line.on(add, [=](Session& session) { return add_operator(session, *options, *limits); });
}

}  // namespace

void add_operator_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand(
      "operator", "People and jobs that may use the operator's API from elsewhere");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  add_add(line, group);

  auto* list = group->add_subcommand("list", "operators and when their certificates end");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "operators", nullptr, [](const nlohmann::json& answer) {
      Table table({"NAME", "EXPIRES", "ACCESS", "FINGERPRINT", "LIMITS"});
      for (const auto& row : list_at(answer, "/operators"))
        table.row({cell(row, "/name"), time_text(row, "/expiresAt"),
                   row.value("revoked", false) ? "revoked" : "", cell(row, "/fingerprint"),
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
