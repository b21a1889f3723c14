#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <set>

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "cli/component_check.hpp"
#include "cli/release_collection.hpp"
#include "cli/session.hpp"
#include "cli/translate.hpp"
#include "document/strict_json.hpp"
#include "inventory/assumed_site.hpp"
#include "inventory/compilation.hpp"
#include "inventory/compile.hpp"
#include "inventory/explain.hpp"
#include "inventory/missing_files.hpp"
#include "inventory/netboot.hpp"
#include "inventory/problems_json.hpp"

namespace muster {
namespace {

// What the server knows of a cluster, if it can be asked: validate works without it.
Result<SiteFacts> site_facts(Session& session, const std::string& cluster) {
  auto answer = session.ask("GET", "site-facts?cluster=" + escape(cluster));
  if (!answer) return pass(answer.error());
  return parse_site_facts(canonical_text(*answer));
}

// Versions, secrets and pod networks, for each cluster that the server knows something of.
struct Compiled {
  std::vector<InventoryProblem> problems, warnings;  // warnings: the inventory's own too
};
Compiled compile_all(Session& session, const Inventory& inventory) {
  Compiled all{{}, inventory.warnings};
  for (const auto& [name, cluster] : inventory.clusters) {
    const auto facts = site_facts(session, name);
    if (!facts) {
      std::fprintf(stderr,
                   "%s: checked without the server (release versions and secrets were not): %s\n",
                   name.c_str(), printable(facts.error().message).c_str());
      continue;
    }
    const auto compiled = compile(inventory, name, *facts);
    if (!compiled) {
      all.problems.insert(all.problems.end(), compiled.error().begin(), compiled.error().end());
      continue;
    }
    all.warnings.insert(all.warnings.end(), compiled->warnings.begin(), compiled->warnings.end());
    const auto missing = missing_files(cluster, compiled->releases);
    all.warnings.insert(all.warnings.end(), missing.begin(), missing.end());
  }
  all.warnings = distinct(std::move(all.warnings));
  return all;
}

// The same with releases that lie here: what compiling says, and the components themselves.
Result<Compiled> check_with(const ReleaseCollection& releases, const Inventory& inventory) {
  Compiled all{{}, inventory.warnings};
  for (const auto& [name, cluster] : inventory.clusters) {
    const SiteFacts facts = assumed_site(inventory, name, releases.catalogue);
    const std::string checker = checker_for(releases, cluster.kubernetes_version.value);
    if (checker.empty())
      all.warnings.push_back(
          problem_at(cluster.kubernetes_version.place, "spec.kubernetesVersion",
                     fmt::format("the release config-checker {} in '{}'",
                                 cluster.kubernetes_version.value, releases.folder),
                     "none", "what its components themselves would refuse was not asked"));
    auto found = check_components(inventory, name, facts, checker);
    if (!found) return pass(found.error());
    all.problems.insert(all.problems.end(), found->begin(), found->end());
  }
  return all;
}

// What of `all` is not among those that are told already.
std::vector<InventoryProblem> beyond(const std::vector<InventoryProblem>& told,
                                     std::vector<InventoryProblem> all) {
  std::set<std::string> known;
  for (const auto& warning : told) known.insert(to_text(warning));
  std::erase_if(all, [&](const auto& warning) { return known.contains(to_text(warning)); });
  return all;
}

// Promise 3 has one exemption, and whom it is about is told before it matters.
std::string netboot_notice(const Inventory& inventory, const Cluster& cluster) {
  std::vector<std::string> all, lasting, forgetful;
  for (const auto& [node, has_state_disk] : netbooted_nodes(inventory, cluster)) {
    all.push_back(node->name.value);
    (has_state_disk ? lasting : forgetful).push_back(node->name.value);
  }
  std::string notice;
  const auto tell = [&](const std::vector<std::string>& names, std::string_view what) {
    if (!names.empty())
      notice += fmt::format("{}: {} {} ({}).\n", cluster.name.value, names.size(), what,
                            fmt::join(names, ", "));
  };
  tell(all, "netboot: whoever owns the segment that they start from can start them otherwise");
  tell(lasting, "of these start from their state disk, without the server, once an image is there");
  tell(
      forgetful,
      "of these have no state disk: each start needs the server, and comes with a new key and nothing else");
  return notice;
}

Exit validate_folder(Session& session, const std::string& path, Warnings warnings,
                     const std::string& releases_folder) {
  ReleaseCollection releases;
  if (!releases_folder.empty()) {
    auto read = read_releases(releases_folder);
    if (!read) return complain(session, read.error());
    releases = std::move(*read);
  }
  const auto folder = read_checked(session, path, warnings, releases.flags);
  if (!folder) return folder.error();
  const Inventory& inventory = folder->inventory;
  const Result<Compiled> checked = releases_folder.empty()
                                       ? Result<Compiled>(compile_all(session, inventory))
                                       : check_with(releases, inventory);
  if (!checked) return complain(session, checked.error());
  const Compiled& compiled = *checked;
  if (!compiled.problems.empty()) return show_problems(session, compiled.problems);
  const auto further = beyond(inventory.warnings, compiled.warnings);
  if (auto told = tell_warnings(session, further, warnings); !told) return told.error();
  if (session.wants_json()) {
    print(json_text({{"valid", true},
                     {"problems", nlohmann::json::array()},
                     {"warnings", problems_json(compiled.warnings)}}));
    return Exit::ok;
  }
  for (const auto& [name, cluster] : inventory.clusters) {
    print(fmt::format(
        "{}: {} machines, sound. Certificates live {} days: the longest server outage its machines survive.\n",
        name, nodes_of(inventory, name).size(), cluster.certificate_lifetime.count() / 86400));
    print(netboot_notice(inventory, cluster));
  }
  return Exit::ok;
}

Exit explain_node(Session& session, const std::string& path, const std::string& cluster,
                  const std::string& node) {
  const auto folder = read_checked(session, path);
  if (!folder) return folder.error();
  auto explained = explain(folder->inventory, cluster, node);
  if (!explained) return complain(session, explained.error());
  print(session.wants_json() ? json_text(nlohmann::json::parse(to_json(*explained)))
                             : to_table(*explained));
  return Exit::ok;
}

void add_translate(CommandLine& line) {
  auto inputs = std::make_shared<TranslateInputs>();
  auto* command = line.app.add_subcommand(
      "translate", "Makes an inventory of the flat metadata documents of machines");
  command->add_option("FILE", inputs->files, "flat metadata documents (JSON), one per machine")
      ->required();
  command
      ->add_option("--kubernetes-version", inputs->kubernetes_version,
                   "which the metadata does not say")
      ->required();
  command
      ->add_option("--hosts", inputs->hosts, "addresses of the machines, in the form of /etc/hosts")
      ->capture_default_str();
  command->footer(
      "Works without a server. Followers are known by their own documents alone.\n"
      "Example: muster translate metadata/*.json --kubernetes-version 1.36.3 > racks/b126.yaml");
  line.on(command, [inputs](Session& session) { return translate(session, *inputs); });
}

}  // namespace

void add_inventory_commands(CommandLine& line) {
  auto folder = std::make_shared<std::string>();
  auto* validate = line.app.add_subcommand(
      "validate", "Checks a folder of inventory files; tells every problem at once");
  validate->add_option("DIR", *folder, "the inventory's folder")->required();
  validate->footer(
      "Works without a server; where one answers, its releases and secrets are checked too. With releases, it asks none: the flags of these very versions count, and the components themselves say what they would refuse.\n"
      "Example: muster validate ./racks --with-releases /var/cache/muster/releases");
  auto releases = std::make_shared<std::string>();
  validate->add_option("--with-releases", *releases, "folder of releases, NAME/VERSION");
  auto strict = std::make_shared<bool>(false);
  validate->add_flag("--strict", *strict, "warnings are errors");
  line.on(validate, [folder, strict, releases](Session& session) {
    return validate_folder(session, *folder, *strict ? Warnings::refused : Warnings::told,
                           *releases);
  });

  auto* explanation = line.app.add_subcommand(
      "explain", "Shows where each field of a machine comes from, or why it is not let in");
  explanation->require_subcommand(1);
  auto* of_node =
      explanation->add_subcommand("node", "each field of one node with the layer that set it");
  auto node = std::make_shared<std::string>(), cluster = std::make_shared<std::string>();
  of_node->add_option("NAME", *node, "the node's name")->required();
  of_node->add_option("DIR", *folder, "the inventory's folder")->required();
  of_node->add_option("--cluster", *cluster, "where several clusters have a node of that name");
  of_node->footer("Example: muster explain node m1 ./racks");
  line.on(of_node, [folder, cluster, node](Session& session) {
    return explain_node(session, *folder, *cluster, *node);
  });
  add_translate(line);
  add_render_command(line);
}

}  // namespace muster
