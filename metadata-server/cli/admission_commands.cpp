#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/node_cluster.hpp"
#include "cli/session.hpp"
#include "cli/time_span.hpp"

namespace muster {
namespace {

struct TokenOptions {
  std::string cluster, node, pool, role = "node", ttl = "1h", id;
  int count = 1;
};

void add_token_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand("token", "Join tokens: the right to enrol");
  group->require_subcommand(1);
  auto options = std::make_shared<TokenOptions>();

  auto* create =
      group->add_subcommand("create", "makes one; it is shown once and stored only as a hash");
  create->add_option("--cluster", options->cluster, "the cluster that it admits to")->required();
  create->add_option("--node", options->node, "only for this machine");
  create->add_option("--pool", options->pool, "for members of this pool, which has the role");
  create->add_option("--role", options->role, "master, follower or node, as the inventory has it")
      ->capture_default_str();
  create->add_option("--count", options->count, "how many machines may use it")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  create->add_option("--ttl", options->ttl, "how long, 1m to 30d: 90s, 15m, 4h, 2d")
      ->capture_default_str();
  create->footer(
      "It belongs into the machine's settings: \"token\" in /etc/muster/agent.json, or its user-data.\n"
      "Example: muster token create --cluster lab --count 3 --ttl 30m\n"
      "Example: muster token create --cluster lab --node m2 --role follower");
  line.on(create, [options](Session& session) {
    const auto seconds = time_span(session, "--ttl", options->ttl, {"1m", "30d"});
    if (!seconds) return Exit::usage;
    nlohmann::json body = {{"cluster", options->cluster},
                           {"role", options->role},
                           {"count", options->count},
                           {"ttlSeconds", *seconds}};
    if (!options->node.empty()) body["node"] = options->node;
    if (!options->pool.empty()) body["pool"] = options->pool;
    return ask_and_show(session, "POST", "tokens", body,
                        [](const nlohmann::json& answer) { return cell(answer, "/token") + "\n"; });
  });

  auto* list =
      group->add_subcommand("list", "tokens with what is left of them; never their secrets");
  list->footer("Example: muster token list");
  line.on(list, [](Session& session) {
    return ask_and_show(session, "GET", "tokens", nullptr, [](const nlohmann::json& answer) {
      Table table({"ID", "CLUSTER", "NODE", "POOL", "ROLE", "LEFT", "EXPIRES"});
      for (const auto& row : list_at(answer, "/tokens")) {
        table.row({cell(row, "/id"), cell(row, "/cluster"), cell(row, "/node"), cell(row, "/pool"),
                   cell(row, "/role"), cell(row, "/left"), time_text(row, "/expiresAt")});
      }
      return table.text();
    });
  });

  auto* revoke = group->add_subcommand("revoke", "ends a token; machines that used it stay");
  revoke->add_option("ID", options->id, "as token list shows it")->required();
  revoke->footer("Example: muster token revoke 7f3a9c0b12d4e658");
  line.on(revoke, [options](Session& session) {
    return ask_and_show(session, "DELETE", "tokens/" + escape(options->id), nullptr,
                        [options](const nlohmann::json&) {
                          return fmt::format("token {} revoked\n", options->id);
                        });
  });
}

}  // namespace

void add_admission_commands(CommandLine& line) {
  add_token_commands(line);

  auto* pending = line.app.add_subcommand("pending", "Machines that wait for an approval");
  pending->footer("Example: muster pending");
  line.on(pending, [](Session& session) {
    return ask_and_show(session, "GET", "pending", nullptr, [](const nlohmann::json& answer) {
      Table table({"FINGERPRINT", "MATCHES", "HOST NAME", "MAC", "SOURCE", "SINCE"});
      std::string reasons;
      for (const auto& row : list_at(answer, "/pending")) {
        table.row({cell(row, "/fingerprint"), cell(row, "/node"), cell(row, "/hints/hostname"),
                   cell(row, "/hints/macs"), cell(row, "/source"), time_text(row, "/since")});
        if (cell(row, "/reason").empty()) continue;
        const std::string who =
            cell(row, cell(row, "/source").empty() ? "/fingerprint" : "/source");
        reasons += printable(fmt::format("{}: {}", who, cell(row, "/reason"))) + "\n";
        if (const std::string cure = cell(row, "/cure"); !cure.empty())
          reasons += "  cure: " + printable(cure) + "\n";
      }
      return table.text() + reasons;
    });
  });

  auto name = std::make_shared<std::string>(), cluster = std::make_shared<std::string>(),
       fingerprint = std::make_shared<std::string>();
  auto* approve =
      line.app.add_subcommand("approve", "Admits a waiting machine under a name of the inventory");
  approve->add_option("NAME", *name, "the node's name")->required();
  approve
      ->add_option(
          "--fingerprint", *fingerprint,
          "sha256:... as the machine's console shows it; whole, it need not have asked yet")
      ->required();
  approve->add_option("--cluster", *cluster, "where several clusters have a node of that name");
  auto despite_match = std::make_shared<bool>(false);
  approve->add_flag("--despite-match", *despite_match,
                    "though the inventory says that its hardware is another node's");
  approve->footer(
      "Compare the fingerprint with the machine's console, not with `muster pending`.\n"
      "Example: muster approve n4 --fingerprint sha256:9c...");
  line.on(approve, [=](Session& session) {
    nlohmann::json body = {{"name", *name}, {"fingerprint", *fingerprint}};
    if (!cluster->empty()) body["cluster"] = *cluster;
    if (*despite_match) body["despiteMatch"] = true;
    return ask_and_show(session, "POST", "approve", body, [name](const nlohmann::json&) {
      return fmt::format("{} approved\n", *name);
    });
  });

  auto reason = std::make_shared<std::string>();
  for (const std::string command : {"ban", "unban"}) {
    auto* made = line.app.add_subcommand(
        command,
        command == "ban" ? "Shuts a machine out, here and at the API server" : "Lets it in again");
    made->add_option("NAME", *name, "the node's name")->required();
    made->add_option("--cluster", *cluster, "where several clusters have a node of that name");
    if (command == "ban") {
      made->add_option("--reason", *reason,
                       "why: it is in muster status, node list, node show and the audit");
      made->footer("Example: muster ban n3 --reason 'stolen on Monday'");
    } else {
      made->footer(
          "Of one that is not banned it changes nothing, says so, and exits 0.\nExample: muster unban n3");
    }
    line.on(made, [=](Session& session) {
      auto found = cluster_of(session, *cluster, *name);
      if (!found) return complain(session, found.error());
      *cluster = *found;
      nlohmann::json body = nlohmann::json::object();
      if (!reason->empty()) body["reason"] = *reason;
      return ask_and_show(session, "POST", node_path(*cluster, *name) + "/" + command, body,
                          [=](const nlohmann::json& answer) {
                            const bool is_same = !cell(answer, "/unchanged").empty();
                            return fmt::format(
                                "{}/{}: {}\n", *cluster, *name,
                                command == "ban"
                                    ? (is_same ? "banned already; nothing changed" : "banned")
                                    : (is_same ? "not banned; nothing changed" : "unbanned"));
                          });
    });
  }
}

}  // namespace muster
