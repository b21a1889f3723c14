#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "inventory/explain.hpp"
#include "inventory/load.hpp"

namespace muster {
namespace {

struct ApplyOptions {
  std::string folder;
  bool remove = false;
};

nlohmann::json to_value(const std::vector<InventoryProblem>& problems) {
  auto rows = nlohmann::json::array();
  for (const auto& problem : problems) {
    rows.push_back({{"file", problem.file},
                    {"line", problem.line},
                    {"column", problem.column},
                    {"field", problem.field},
                    {"message", message(problem)}});
  }
  return rows;
}

Exit show_problems(const Session& session, const std::vector<InventoryProblem>& problems) {
  if (session.wants_json()) {
    print(nlohmann::json{{"valid", false}, {"problems", to_value(problems)}}.dump(2) + "\n");
  } else {
    std::fprintf(stderr, "%s\nmuster: %zu problem(s); nothing was changed\n",
                 to_text(problems).c_str(), problems.size());
  }
  return Exit::invalid_inventory;
}

// Reads and checks the folder; prints the problems itself.
std::optional<InventoryFiles> read_checked(const Session& session, const std::string& folder,
                                           Exit& exit, Inventory* inventory = nullptr) {
  auto files = read_folder(folder);
  if (!files) {
    exit = complain(session, files.error());
    return std::nullopt;
  }
  auto loaded = load(*files);
  if (!loaded) {
    exit = show_problems(session, loaded.error());
    return std::nullopt;
  }
  if (!loaded->warnings.empty() && !session.wants_json()) {
    std::fprintf(stderr, "%s\n", to_text(loaded->warnings).c_str());
  }
  if (inventory != nullptr) *inventory = std::move(*loaded);
  return std::move(*files);
}

std::string changes_text(const nlohmann::json& answer, bool published) {
  std::string text;
  std::size_t unchanged = 0;
  for (const auto& change : list_at(answer, "/changes")) {
    const auto what = cell(change, "/change");
    if (what == "unchanged") {
      ++unchanged;
      continue;
    }
    const auto cost = cell(change, "/cost");
    text += fmt::format("{} {}/{}{}\n", what, printable(cell(change, "/cluster")),
                        printable(cell(change, "/node")),
                        cost.empty() || cost == "none" ? "" : fmt::format(" (costs a {})", cost));
    for (const auto& difference : list_at(change, "/differences")) {
      text +=
          "    " +
          printable(difference.is_string() ? difference.get<std::string>() : difference.dump()) +
          "\n";
    }
  }
  text += fmt::format("{} machine(s) unchanged\n", unchanged);
  if (!published) return text;
  if (answer.contains("revisions")) {
    for (const auto& [cluster, revision] : answer["revisions"].items()) {
      text += fmt::format("{}: revision {}\n", cluster,
                          revision.is_string() ? revision.get<std::string>() : revision.dump());
    }
  }
  return text;
}

// The revisions that this apply is based on: what is published now. A change of somebody else
// between the two questions is refused by the server.
Result<nlohmann::json> current_revisions(Session& session, const nlohmann::json& clusters) {
  nlohmann::json based_on = nlohmann::json::object();
  for (const auto& cluster : clusters) {
    const auto name = cluster.get<std::string>();
    auto answer = session.ask("GET", "revisions?cluster=" + escape(name));
    if (!answer) return pass(answer.error());
    based_on[name] = cell(*answer, "/current");
  }
  return based_on;
}

Exit apply(Session& session, const ApplyOptions& options, bool dry_run) {
  Exit exit = Exit::ok;
  Inventory inventory;
  const auto files = read_checked(session, options.folder, exit, &inventory);
  if (!files) return exit;
  auto clusters = nlohmann::json::array();
  for (const auto& [name, cluster] : inventory.clusters) clusters.push_back(name);
  auto based_on = current_revisions(session, clusters);
  if (!based_on) return complain(session, based_on.error());
  nlohmann::json texts = nlohmann::json::object();
  for (const auto& [path, text] : *files) texts[path] = text;
  auto answer = session.ask("POST", "apply",
                            {{"clusters", clusters},
                             {"files", texts},
                             {"basedOn", *based_on},
                             {"remove", options.remove},
                             {"dryRun", dry_run}});
  if (!answer) {
    const bool is_inventory =
        session.last_answer.is_object() && session.last_answer.contains("problems");
    const auto exit_status = complain(session, answer.error());
    if (is_inventory) {
      for (const auto& problem : list_at(session.last_answer, "/problems")) {
        std::fprintf(stderr, "%s:%s:%s: %s\n", cell(problem, "/file").c_str(),
                     cell(problem, "/line").c_str(), cell(problem, "/column").c_str(),
                     printable(cell(problem, "/message")).c_str());
      }
    }
    return is_inventory ? Exit::invalid_inventory : exit_status;
  }
  print(session.wants_json() ? answer->dump(2) + "\n" : changes_text(*answer, !dry_run));
  return Exit::ok;
}

Exit validate_folder(Session& session, const std::string& folder) {
  Exit exit = Exit::ok;
  Inventory inventory;
  if (!read_checked(session, folder, exit, &inventory)) return exit;
  if (session.wants_json()) {
    print(nlohmann::json{{"valid", true}, {"problems", nlohmann::json::array()}}.dump(2) + "\n");
  } else {
    for (const auto& [name, cluster] : inventory.clusters) {
      print(fmt::format(
          "{}: {} machines, sound. Certificates live {} days: the longest server outage its "
          "machines survive.\n",
          name, nodes_of(inventory, name).size(), cluster.certificate_lifetime.count() / 86400));
    }
  }
  return Exit::ok;
}

Exit explain_node(Session& session, const std::string& folder, const std::string& cluster,
                  const std::string& node) {
  Exit exit = Exit::ok;
  Inventory inventory;
  if (!read_checked(session, folder, exit, &inventory)) return exit;
  auto explained = explain(inventory, cluster, node);
  if (!explained) return complain(session, explained.error());
  print(session.wants_json() ? to_json(*explained) + "\n" : to_table(*explained));
  return Exit::ok;
}

}  // namespace

void add_inventory_commands(CommandLine& line) {
  auto* validate = line.app.add_subcommand(
      "validate", "Checks a folder of inventory files; tells every problem at once");
  auto folder = std::make_shared<std::string>();
  validate->add_option("DIR", *folder, "the inventory's folder")->required();
  validate->footer("Example: muster validate ./racks");
  line.on(validate, [folder](Session& session) { return validate_folder(session, *folder); });

  auto options = std::make_shared<ApplyOptions>();
  auto* diff = line.app.add_subcommand(
      "diff", "Lists per machine what apply would change, and what it costs");
  diff->add_option("DIR", options->folder, "the inventory's folder")->required();
  diff->footer("Example: muster diff ./racks");
  line.on(diff, [options](Session& session) { return apply(session, *options, true); });

  auto* publish = line.app.add_subcommand(
      "apply", "Compiles, signs and publishes; an invalid inventory changes nothing");
  publish->add_option("DIR", options->folder, "the inventory's folder")->required();
  publish->add_flag("--remove", options->remove,
                    "machines that are no longer in the inventory are removed");
  publish->footer(
      "Owns exactly the clusters that DIR names. Refused if another revision was published "
      "meanwhile.\n"
      "Example: muster apply ./racks");
  line.on(publish, [options](Session& session) { return apply(session, *options, false); });

  auto* explanation =
      line.app.add_subcommand("explain", "Shows where each field of a machine comes from");
  auto* of_node =
      explanation->add_subcommand("node", "each field of one node with the layer that set it");
  explanation->require_subcommand(1);
  auto node = std::make_shared<std::string>(), cluster = std::make_shared<std::string>();
  of_node->add_option("NAME", *node, "the node's name")->required();
  of_node->add_option("DIR", *folder, "the inventory's folder")->required();
  of_node->add_option("--cluster", *cluster, "where several clusters have a node of that name");
  of_node->footer("Example: muster explain node m1 ./racks");
  line.on(of_node, [folder, cluster, node](Session& session) {
    return explain_node(session, *folder, *cluster, *node);
  });
}

}  // namespace muster
