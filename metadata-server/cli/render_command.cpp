#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "cli/answer.hpp"
#include "cli/checked_folder.hpp"
#include "cli/release_collection.hpp"
#include "cli/rendered_folder.hpp"
#include "cli/session.hpp"
#include "document/problem.hpp"
#include "inventory/assumed_site.hpp"
#include "inventory/rendered_cluster.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

struct RenderInputs {
  std::string node, folder, cluster, releases, out;
};

// nullopt with a word for the operator: none of that name, or several.
std::optional<RenderedMachine> find_machine(const Inventory& inventory, const RenderInputs& inputs,
                                            const std::vector<CatalogueEntry>& catalogue,
                                            std::vector<InventoryProblem>& problems,
                                            std::size_t& found) {
  std::optional<RenderedMachine> machine;
  for (const auto& [name, cluster] : inventory.clusters) {
    if (!inputs.cluster.empty() && inputs.cluster != name) continue;
    const auto rendered = render_cluster(inventory, name, assumed_site(inventory, name, catalogue),
                                         [&](RenderedMachine next) {
                                           if (next.identity.node != inputs.node) return;
                                           ++found;
                                           machine = std::move(next);
                                         });
    if (!rendered)
      problems.insert(problems.end(), rendered.error().begin(), rendered.error().end());
  }
  return machine;
}

Exit write_machine(Session& session, const RenderedMachine& machine, const std::string& out) {
  std::error_code failed;
  fs::create_directories(out, failed);
  if (failed || !fs::is_empty(out, failed))
    return complain(session,
                    {ErrorKind::conflict,
                     fmt::format("'{}': expected a new or an empty folder; name another", out)});
  if (auto written = write_below(out, machine.files); !written)
    return complain(session, written.error());
  return Exit::ok;
}

void show_machine(const Session& session, const RenderedMachine& machine) {
  if (session.wants_json()) {
    auto files = nlohmann::json::array();
    for (const RenderedFile& file : machine.files)
      files.push_back({{"path", file.path},
                       {"owner", file.owner},
                       {"mode", fmt::format("{:04o}", file.mode)},
                       {"content", file.content}});
    return print(json_text(
        {{"node", machine.identity.node}, {"files", files}, {"commands", machine.commands}}));
  }
  std::string text;
  for (const RenderedFile& file : machine.files)
    text += fmt::format("{:04o} {} {}\n", file.mode, file.owner, file.path);
  for (const auto& [program, words] : machine.commands)
    text += fmt::format("\n{} {}\n", program, fmt::join(words, " \\\n  "));
  print(text);
}

Exit render(Session& session, const RenderInputs& inputs) {
  const auto releases = read_releases(inputs.releases);
  if (!releases) return complain(session, releases.error());
  const auto folder = read_checked(session, inputs.folder, Warnings::told, releases->flags);
  if (!folder) return folder.error();
  std::vector<InventoryProblem> problems;
  std::size_t found = 0;
  const auto machine =
      find_machine(folder->inventory, inputs, releases->catalogue, problems, found);
  if (!problems.empty()) return show_problems(session, problems);
  if (!machine || found > 1)
    return complain(session, {machine ? ErrorKind::conflict : ErrorKind::not_found,
                              fmt::format("node {}: expected one of that name, found {}{}",
                                          in_ticks(inputs.node), found,
                                          machine ? "; name its cluster with --cluster" : "")});
  if (!inputs.out.empty()) {
    if (const Exit exit = write_machine(session, *machine, inputs.out); exit != Exit::ok)
      return exit;
  }
  show_machine(session, *machine);
  return Exit::ok;
}

}  // namespace

void add_render_command(CommandLine& line) {
  auto inputs = std::make_shared<RenderInputs>();
  auto* command = line.app.add_subcommand(
      "render", "Shows the files and command lines that a machine would have");
  command->add_option("NAME", inputs->node, "the node's name; ci-1 for the first of a pool")
      ->required();
  command->add_option("DIR", inputs->folder, "the inventory's folder")->required();
  command->add_option("--with-releases", inputs->releases, "folder of releases, NAME/VERSION")
      ->required();
  command->add_option("--cluster", inputs->cluster, "where several clusters have such a node");
  command->add_option("--out", inputs->out, "writes the files below this new folder");
  command->footer(
      "Works without a server, as on a machine of 4 cores and 8 GiB. Secrets, keys and certificates are left out.\n"
      "Example: muster render m1 ./racks --with-releases /var/cache/muster/releases --out m1");
  line.on(command, [inputs](Session& session) { return render(session, *inputs); });
}

}  // namespace muster
