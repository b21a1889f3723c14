#include <fcntl.h>

#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "cli/session.hpp"
#include "cli/time_span.hpp"
#include "inventory/cluster_template.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

struct OnDemandOptions {
  std::string name, folder, template_name, ttl = "4h", user_data_folder, pool;
  int masters = 1, nodes = 0, count = 1;
};

// It holds a join token: for its owner alone, and never over a file that is there.
Result<void> write_new(const std::string& path, const std::string& text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path));
  return write_all(file.get(), text, path);
}

// Prints the answer, user-data into files of the folder that was named, else after the rest.
Exit show_cluster(Session& session, const OnDemandOptions& options, nlohmann::json answer) {
  std::string text =
      fmt::format("{}: expires {}\n", cell(answer, "/name"), time_text(answer, "/expiresAt"));
  if (!options.user_data_folder.empty()) {
    for (auto& file : answer["userData"]) {
      const std::string path = options.user_data_folder + "/" + cell(file, "/name");
      if (auto written = write_new(path, cell(file, "/text")); !written)
        return complain(session, written.error());
      file["text"] = nullptr;
      file["file"] = path;
      text += fmt::format("{}: for {} of pool {}\n", path, cell(file, "/machines"),
                          cell(file, "/pool"));
    }
  }
  if (session.wants_json()) {
    print(json_text(answer));
    return Exit::ok;
  }
  if (options.user_data_folder.empty()) {
    for (const auto& file : list_at(answer, "/userData"))
      text += fmt::format("\n# {}\n{}", cell(file, "/name"), cell(file, "/text"));
  }
  print(text);
  return Exit::ok;
}

Exit create(Session& session, const OnDemandOptions& options) {
  const auto seconds = time_span(session, "--ttl", options.ttl);
  if (!seconds) return Exit::usage;
  auto answer = session.ask("POST", "clusters",
                            {{"name", options.name},
                             {"template", options.template_name},
                             {"masters", options.masters},
                             {"nodes", options.nodes},
                             {"ttlSeconds", *seconds}});
  if (!answer) return show_refusal(session, answer.error());
  return show_cluster(session, options, std::move(*answer));
}

Exit scale(Session& session, const OnDemandOptions& options) {
  auto answer = session.ask("POST", "clusters/" + escape(options.name) + "/scale",
                            {{"nodes", options.nodes}});
  if (!answer) return complain(session, answer.error());
  return show_cluster(session, options, std::move(*answer));
}

Exit extend(Session& session, const OnDemandOptions& options) {
  const auto seconds = time_span(session, "--ttl", options.ttl);
  if (!seconds) return Exit::usage;
  return ask_and_show(session, "POST", "clusters/" + escape(options.name) + "/extend",
                      {{"ttlSeconds", *seconds}}, [](const nlohmann::json& answer) {
                        return fmt::format("{}: expires {}\n", cell(answer, "/name"),
                                           time_text(answer, "/expiresAt"));
                      });
}

Exit list(Session& session) {
  return ask_and_show(session, "GET", "clusters", nullptr, [](const nlohmann::json& answer) {
    Table table({"NAME", "TEMPLATE", "MASTERS", "NODES", "MACHINES", "EXPIRES", "BY"});
    for (const auto& row : list_at(answer, "/clusters")) {
      table.row({cell(row, "/name"), cell(row, "/template"), cell(row, "/masters"),
                 cell(row, "/nodes"), cell(row, "/machines"), time_text(row, "/expiresAt"),
                 cell(row, "/createdBy")});
    }
    return table.text();
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

void add_create(CommandLine& line, CLI::App* group,
                const std::shared_ptr<OnDemandOptions>& options) {
  auto* made = group->add_subcommand("create", "makes one from a template, until it expires");
  made->add_option("NAME", options->name, "the cluster's name")->required();
  made->add_option("--template", options->template_name, "as template list shows it")->required();
  made->add_option("--masters", options->masters, "1, 3, 5 or 7")->capture_default_str();
  made->add_option("--nodes", options->nodes, "how many machines besides")->capture_default_str();
  made->add_option("--ttl", options->ttl, "how long: 90m, 4h, 2d")->capture_default_str();
  made->add_option("--user-data-dir", options->user_data_folder,
                   "a folder for what its machines are started with; without it, it is printed");
  made->footer(
      "Example: muster cluster create ci-42 --template small --masters 1 --nodes 2 --ttl 4h "
      "--user-data-dir .");
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
  line.on(listed, list);
  auto* scaled = group->add_subcommand("scale", "makes user-data for more machines");
  scaled->add_option("NAME", options->name, "the cluster's name")->required();
  scaled->add_option("--nodes", options->nodes, "how many there are to be in all")->required();
  scaled->add_option("--user-data-dir", options->user_data_folder,
                     "a folder for what they are started with; without it, it is printed");
  scaled->footer("Example: muster cluster scale ci-42 --nodes 5 --user-data-dir more");
  line.on(scaled, [options](Session& session) { return scale(session, *options); });
  auto* extended = group->add_subcommand("extend", "lets it live longer, from now on");
  extended->add_option("NAME", options->name, "the cluster's name")->required();
  extended->add_option("--ttl", options->ttl, "how long: 90m, 4h, 2d")->required();
  extended->footer("Example: muster cluster extend ci-42 --ttl 2h");
  line.on(extended, [options](Session& session) { return extend(session, *options); });
  auto* removed = group->add_subcommand("delete", "ends it now: identities, tokens, everything");
  removed->add_option("NAME", options->name, "the cluster's name")->required();
  removed->footer("Example: muster cluster delete ci-42");
  line.on(removed, [options](Session& session) {
    return ask_and_show(session, "DELETE", "clusters/" + escape(options->name), nullptr,
                        [options](const nlohmann::json&) {
                          return fmt::format("cluster {} deleted\n", options->name);
                        });
  });

  auto* user_data = line.app.add_subcommand("user-data", "What a pool's machines are started with");
  user_data->add_option("--cluster", options->name, "the cluster's name")->required();
  user_data->add_option("--pool", options->pool, "the pool's name")->required();
  user_data->add_option("--count", options->count, "how many machines may use it")
      ->capture_default_str();
  user_data->add_option("--ttl", options->ttl, "how long: 15m, 4h")->default_str("1h");
  user_data->footer(
      "Cloud-config with a new join token. Example: muster user-data --cluster lab --pool ci");
  line.on(user_data, [options, user_data](Session& session) {
    const auto seconds =
        time_span(session, "--ttl", user_data->count("--ttl") > 0 ? options->ttl : "1h");
    if (!seconds) return Exit::usage;
    return ask_and_show(session, "POST", "user-data",
                        {{"cluster", options->name},
                         {"pool", options->pool},
                         {"count", options->count},
                         {"ttlSeconds", *seconds}},
                        [](const nlohmann::json& answer) { return cell(answer, "/text"); });
  });
}

}  // namespace muster
