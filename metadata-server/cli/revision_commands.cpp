#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/change_list.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

std::string what_for(const nlohmann::json& row) {
  std::string cause = cell(row, "/cause");
  const std::string missing = cell(row, "/missingSecrets");
  if (missing.empty()) return cause;
  return fmt::format("{}{}needs what was removed: secret {}", cause, cause.empty() ? "" : "; ",
                     missing);
}

}  // namespace

void add_revision_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand("revision", "What was published, and the way back");
  group->require_subcommand(1);
  auto cluster = std::make_shared<std::string>(), revision = std::make_shared<std::string>();

  auto* list = group->add_subcommand("list", "the revisions of a cluster, newest first");
  list->add_option("--cluster", *cluster, "the cluster's name")->required();
  list->footer("Example: muster revision list --cluster lab");
  line.on(list, [cluster](Session& session) {
    return ask_and_show(
        session, "GET", "revisions?cluster=" + escape(*cluster), nullptr,
        [](const nlohmann::json& answer) {
          // What machines, bans and time caused has the files of the revision before.
          Table table(
              {"NUMBER", "REVISION", "PUBLISHED", "BY", "MACHINES", "FILES OF", "WHAT FOR"});
          for (const auto& row : list_at(answer, "/revisions")) {
            table.row({cell(row, "/number"), cell(row, "/revision"), time_text(row, "/time"),
                       cell(row, "/actor"), cell(row, "/machines"),
                       number_at(row, "/content") > 0 ? cell(row, "/content") : std::string(),
                       what_for(row)});
          }
          return table.text();
        });
  });

  auto other = std::make_shared<std::string>();
  auto* diff = group->add_subcommand("diff", "what changed for each machine between two revisions");
  diff->add_option("FROM", *revision, "number or sha256:... as revision list shows it")->required();
  diff->add_option("TO", *other, "number or sha256:... as revision list shows it")->required();
  diff->add_option("--cluster", *cluster, "the cluster's name")->required();
  diff->footer("Example: muster revision diff 41 42 --cluster lab");
  line.on(diff, [=](Session& session) {
    const auto path = fmt::format("revisions/diff?cluster={}&from={}&to={}", escape(*cluster),
                                  escape(*revision), escape(*other));
    return ask_and_show(session, "GET", path, nullptr, changes_text);
  });

  auto* rollback =
      group->add_subcommand("rollback", "publishes an earlier revision's content anew");
  rollback->add_option("REVISION", *revision, "number or sha256:... as revision list shows it")
      ->required();
  rollback->add_option("--cluster", *cluster, "the cluster's name")->required();
  auto remove = std::make_shared<bool>(false);
  rollback->add_flag("--remove", *remove, "machines that it does not have are removed");
  rollback->footer(
      "Generations still grow: machines take it as a new document.\n"
      "Example: muster revision rollback 41 --cluster lab");
  line.on(rollback, [=](Session& session) {
    return ask_and_show(session, "POST", "revisions/rollback",
                        {{"cluster", *cluster}, {"revision", *revision}, {"remove", *remove}},
                        [cluster](const nlohmann::json& answer) {
                          const bool is_same = answer.value("written", true) == false;
                          return changes_text(answer) +
                                 fmt::format("{}: {} {}\n", *cluster,
                                             is_same ? "nothing was published; it is at revision"
                                                     : "published as revision",
                                             numbered(answer, *cluster, cell(answer, "/revision")));
                        });
  });
}

}  // namespace muster
