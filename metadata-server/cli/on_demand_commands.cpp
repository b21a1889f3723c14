#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "cli/session.hpp"
#include "cli/time_span.hpp"
#include "cli/user_data_output.hpp"
#include "document/time_text.hpp"
#include "inventory/cluster_template.hpp"

namespace muster {
namespace {

struct OnDemandOptions {
  std::string name, folder, template_name, ttl = "4h", pool, on_delete, confirmed;
  int masters = 1, nodes = 0, count = 1;
  bool again = false;
  UserDataOptions user_data;
};

// What a smaller number of nodes means for those that are there.
std::string departures_text(const nlohmann::json& answer) {
  std::string text;
  for (const auto& row : list_at(answer, "/removing")) {
    text += fmt::format("{}: {}\n", cell(row, "/node"),
                        cell(row, "/draining").empty() ? "removed" : "drained, then removed");
  }
  return text;
}

// Places that machines were to be started for: what they are started with is shown once.
std::string untaken_text(const OnDemandOptions& options, const nlohmann::json& answer) {
  const auto untaken = number_at(answer, "/untaken");
  if (untaken == 0) return {};
  return fmt::format(
      "{} places are not taken yet; where what their machines are started with is lost: muster cluster scale {} --nodes {} --again --user-data-dir DIR\n",
      untaken, options.name, options.nodes);
}

// Before anything is ordered that is shown once.
Result<void> check_folder(const std::string& folder) {
  if (folder.empty() ||
      (std::filesystem::is_directory(folder) && access(folder.c_str(), W_OK) == 0))
    return {};
  return fail(
      ErrorKind::invalid,
      fmt::format("--user-data-dir: expected a folder that can be written to, found '{}'", folder));
}

// Orders with `ask` and shows the cluster, user-data included.
template <typename Ask>
Exit order(Session& session, const OnDemandOptions& options, const Ask& ask) {
  const auto parts = prepare_user_data(options.user_data);
  if (!parts) return complain(session, parts.error());
  if (auto usable = check_folder(options.user_data.folder); !usable)
    return complain(session, usable.error());
  auto answer = ask();
  if (!answer) return show_refusal(session, answer.error());
  const auto text = put_user_data(options.user_data, *parts, *answer);
  // What it is to be is ordered, and what its machines are started with is shown once.
  if (!text) {
    Error error = text.error();
    error.message += fmt::format(
        "; the order holds all the same: muster cluster scale {} --nodes {} --again --user-data-dir DIR makes what its machines are started with anew",
        options.name, options.nodes);
    return complain(session, error);
  }
  print(session.wants_json()
            ? json_text(*answer)
            : fmt::format("{}: expires {}\n{}{}{}", cell(*answer, "/name"),
                          time_text(*answer, "/expiresAt"), departures_text(*answer),
                          untaken_text(options, *answer), *text));
  return Exit::ok;
}

Exit create(Session& session, const OnDemandOptions& options) {
  const auto seconds = time_span(session, "--ttl", options.ttl, {"10m", "30d"});
  if (!seconds) return Exit::usage;
  return order(session, options, [&] {
    return session.ask("POST", "clusters",
                       {{"name", options.name},
                        {"template", options.template_name},
                        {"masters", options.masters},
                        {"nodes", options.nodes},
                        {"ttlSeconds", *seconds}});
  });
}

Exit scale(Session& session, const OnDemandOptions& options) {
  return order(session, options, [&] {
    nlohmann::json body = {{"nodes", options.nodes}};
    if (options.again) body["again"] = true;
    return session.ask("POST", "clusters/" + escape(options.name) + "/scale", body);
  });
}

Exit extend(Session& session, const OnDemandOptions& options) {
  const auto seconds = time_span(session, "--ttl", options.ttl, {"1m", "30d"});
  if (!seconds) return Exit::usage;
  return ask_and_show(session, "POST", "clusters/" + escape(options.name) + "/extend",
                      {{"ttlSeconds", *seconds}}, [](const nlohmann::json& answer) {
                        return fmt::format("{}: expires {}\n", cell(answer, "/name"),
                                           time_text(answer, "/expiresAt"));
                      });
}

Exit list_on_demand(Session& session) {
  return ask_and_show(session, "GET", "clusters", nullptr, [](const nlohmann::json& answer) {
    Table table({"NAME", "TEMPLATE", "MASTERS", "NODES", "MACHINES", "EXPIRES", "LEFT", "BY"});
    std::string notes;
    for (const auto& row : list_at(answer, "/clusters")) {
      table.row({cell(row, "/name"), cell(row, "/template"), cell(row, "/masters"),
                 cell(row, "/nodes"), cell(row, "/machines"), time_text(row, "/expiresAt"),
                 duration_text(std::chrono::seconds(number_at(row, "/secondsLeft"))),
                 cell(row, "/createdBy")});
      notes += ending_note(cell(row, "/name"), number_at(row, "/secondsLeft"));
    }
    return table.text() + notes;
  });
}

Exit set_template(Session& session, const OnDemandOptions& options) {
  auto folder = read_checked(session, options.folder);
  if (!folder) return folder.error();
  if (const auto problems = check_template(folder->inventory); !problems.empty())
    return show_problems(session, problems);
  return ask_and_show(
      session, "PUT", "templates/" + escape(options.name), {{"files", folder->files}},
      [&](const nlohmann::json&) { return fmt::format("template {} set\n", options.name); });
}

Exit print_user_data(Session& session, const OnDemandOptions& options, std::int64_t seconds) {
  const auto parts = prepare_user_data(options.user_data);
  if (!parts) return complain(session, parts.error());
  auto answer = session.ask("POST", "user-data",
                            {{"cluster", options.name},
                             {"pool", options.pool},
                             {"count", options.count},
                             {"ttlSeconds", seconds}});
  if (!answer) return show_refusal(session, answer.error());
  const auto text = finish_user_data(cell(*answer, "/text"), *parts);
  if (!text) return complain(session, text.error());
  (*answer)["text"] = *text;
  print(session.wants_json() ? json_text(*answer) : *text);
  return Exit::ok;
}

void add_template_commands(CommandLine& line, const std::shared_ptr<OnDemandOptions>& options) {
  auto* group = line.app.add_subcommand("template", "What clusters are made from on demand");
  group->require_subcommand(1);
  auto* set = group->add_subcommand("set", "keeps an inventory's folder as a template");
  set->add_option("NAME", options->name, "how `cluster create` names it")->required();
  set->add_option("DIR", options->folder, "one Cluster, a pool of masters, a pool of nodes")
      ->required();
  set->footer("Example: muster template set small ./templates/small");
  line.on(set, [options](Session& session) { return set_template(session, *options); });
  auto* listed = group->add_subcommand("list", "templates that there are");
  listed->footer("Example: muster template list");
  line.on(listed, [](Session& session) {
    return ask_and_show(session, "GET", "templates", nullptr, [](const nlohmann::json& answer) {
      Table table({"NAME", "FILES", "SET", "BY"});
      for (const auto& row : list_at(answer, "/templates")) {
        table.row({cell(row, "/name"), cell(row, "/files"), time_text(row, "/setAt"),
                   cell(row, "/setBy")});
      }
      return table.text();
    });
  });
  auto* remove = group->add_subcommand("remove", "forgets one; its clusters stay");
  remove->add_option("NAME", options->name, "as template list shows it")->required();
  remove->footer("Example: muster template remove small");
  line.on(remove, [options](Session& session) {
    return ask_and_show(session, "DELETE", "templates/" + escape(options->name), nullptr,
                        [options](const nlohmann::json&) {
                          return fmt::format("template {} removed\n", options->name);
                        });
  });
}

void add_parts_option(CLI::App* command, UserDataOptions& options) {
  command->add_option("--part", options.parts,
                      "a file of your own for cloud-init, kept beside ours; may be repeated");
}

void add_user_data_options(CLI::App* command, UserDataOptions& options) {
  command->add_option("--user-data-dir", options.folder,
                      "a folder for what its machines are started with; without it, it is printed");
  add_parts_option(command, options);
}

void add_create(CommandLine& line, CLI::App* group,
                const std::shared_ptr<OnDemandOptions>& options) {
  auto* made = group->add_subcommand("create", "makes one from a template, until it expires");
  made->add_option("NAME", options->name, "the cluster's name")->required();
  made->add_option("--template", options->template_name, "as template list shows it")->required();
  made->add_option("--masters", options->masters, "1, 3, 5 or 7")->capture_default_str();
  made->add_option("--nodes", options->nodes, "how many machines besides")->capture_default_str();
  made->add_option("--ttl", options->ttl, "how long, 10m to 30d: 90m, 4h, 2d")
      ->capture_default_str();
  add_user_data_options(made, options->user_data);
  made->footer(
      "Example: muster cluster create ci-42 --template small --masters 1 --nodes 2 --ttl 4h --user-data-dir .");
  line.on(made, [options](Session& session) { return create(session, *options); });
}

}  // namespace

void add_on_demand_commands(CommandLine& line) {
  auto options = std::make_shared<OnDemandOptions>();
  add_template_commands(line, options);
  auto* group = line.app.get_subcommand("cluster");
  add_create(line, group, options);
  auto* listed = group->add_subcommand("list", "clusters that were made on demand");
  listed->footer("Example: muster cluster list");
  line.on(listed, list_on_demand);
  auto* scaled =
      group->add_subcommand("scale", "makes user-data for more machines, or removes the newest");
  scaled->add_option("NAME", options->name, "the cluster's name")->required();
  scaled->add_option("--nodes", options->nodes, "how many there are to be in all")->required();
  scaled->add_flag("--again", options->again,
                   "what was made before and is not used ends, and is made anew for each place");
  add_user_data_options(scaled, options->user_data);
  scaled->footer(
      "Machines that go are drained first.\n"
      "Example: muster cluster scale ci-42 --nodes 5 --user-data-dir more");
  line.on(scaled, [options](Session& session) { return scale(session, *options); });
  auto* extended = group->add_subcommand("extend", "lets it live so long from now on");
  extended->add_option("NAME", options->name, "the cluster's name")->required();
  extended
      ->add_option("--ttl", options->ttl,
                   "from now, 1m to 30d: 90m, 4h, 2d; 1m ends it in a minute")
      ->required();
  extended->footer("Example: muster cluster extend ci-42 --ttl 2h");
  line.on(extended, [options](Session& session) { return extend(session, *options); });
  auto* removed = group->add_subcommand("delete", "ends it now: identities, tokens, everything");
  removed->add_option("NAME", options->name, "the cluster's name")->required();
  removed
      ->add_option("--on-delete", options->on_delete,
                   "what its machines do, instead of what their pools say")
      ->check(CLI::IsMember({"poweroff", "reset", "keep"}));
  removed->add_option("--confirm", options->confirmed,
                      "its name again: for a cluster that an inventory lists");
  removed->footer(
      "Machines of a listed one keep what they have unless --on-delete says otherwise, and can enrol nowhere before muster-agent reset.\n"
      "Example: muster cluster delete ci-42 --on-delete keep");
  line.on(removed, [options](Session& session) {
    std::string query;
    if (!options->on_delete.empty()) query = "?onDelete=" + options->on_delete;
    if (!options->confirmed.empty())
      query += (query.empty() ? "?confirm=" : "&confirm=") + escape(options->confirmed);
    return ask_and_show(session, "DELETE", "clusters/" + escape(options->name) + query, nullptr,
                        [options](const nlohmann::json&) {
                          return fmt::format("cluster {} deleted\n", options->name);
                        });
  });

  auto* user_data = line.app.add_subcommand("user-data", "What a pool's machines are started with");
  user_data->add_option("--cluster", options->name, "the cluster's name")->required();
  user_data->add_option("--pool", options->pool, "the pool's name")->required();
  user_data->add_option("--count", options->count, "how many machines may use it")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  user_data->add_option("--ttl", options->ttl, "how long it admits machines, 1m to 30d: 15m, 4h")
      ->default_str("1h");
  add_parts_option(user_data, options->user_data);
  user_data->footer(
      "Cloud-config with a new join token, or with --part a MIME message of both. Example: muster user-data --cluster lab --pool ci --part packages.yaml");
  line.on(user_data, [options, user_data](Session& session) {
    const auto seconds = time_span(
        session, "--ttl", user_data->count("--ttl") > 0 ? options->ttl : "1h", {"1m", "30d"});
    if (!seconds) return Exit::usage;
    return print_user_data(session, *options, *seconds);
  });
}

}  // namespace muster
