#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

std::string nodes_text(const nlohmann::json& names, const std::string& what) {
  if (!names.is_array() || names.empty()) return "";
  std::string all;
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i)
    all += (i == 0 ? "" : ", ") + cell(names[i], "");
  if (names.size() > shown) all += fmt::format(" and {} more", names.size() - shown);
  return fmt::format("  {}: {}\n", what, printable(all));
}

std::string sealed_text(const nlohmann::json& row) {
  if (const std::string unread = cell(row, "/unread"); !unread.empty())
    return fmt::format("cluster {}: sealed, and nobody can tell what its machines hold: {}\n",
                       printable(cell(row, "/cluster")), on_one_line(unread));
  std::string text = fmt::format(
      "cluster {}: {} machine(s) showed what they hold, up to generation {}; {} did not\n",
      printable(cell(row, "/cluster")), list_at(row, "/heard").size(), cell(row, "/generation"),
      list_at(row, "/unheard").size());
  text += nodes_text(list_at(row, "/unheard"), "not heard of");
  if (cell(row, "/masterHeard").empty())
    text += "  no master was heard: who is banned is not known yet\n";
  text += nodes_text(list_at(row, "/unheardMasters"),
                     "masters that showed nothing as new as the backup, and may know of bans");
  text += nodes_text(list_at(row, "/banned"), "banned");
  text += nodes_text(list_at(row, "/unknown"),
                     "without an identity here, to be approved once it is open");
  text += nodes_text(
      list_at(row, "/lost"),
      "in the machines' peer list and in no inventory here; apply the folder that has them");
  for (const auto& disputed : list_at(row, "/disputed"))
    text += fmt::format(
        "  {0}: keys {1} and {2} claim it, and no signature says which of them has it; both wait once it is open: muster node unfreeze {0} --keep FINGERPRINT\n",
        printable(cell(disputed, "/node")), printable(cell(disputed, "/keys/0")),
        printable(cell(disputed, "/keys/1")));
  for (const auto& secret : list_at(row, "/newerSecrets"))
    text += fmt::format(
        "  secret {}: {} holds version {}, here is {}; muster secret set {} --cluster {}\n",
        printable(cell(secret, "/name")), printable(cell(secret, "/node")), cell(secret, "/held"),
        cell(secret, "/known"), printable(cell(secret, "/name")), printable(cell(row, "/cluster")));
  for (const auto& heard : list_at(row, "/heard")) {
    for (const auto& refused : list_at(heard, "/refused"))
      text += fmt::format("  {} showed what is not believed: {}\n", printable(cell(heard, "/node")),
                          printable(cell(refused, "")));
  }
  return text + fmt::format("  then: muster restore open {}\n", printable(cell(row, "/cluster")));
}

// No one but the lost disk had its keys.
std::string lost_text(const nlohmann::json& row) {
  return fmt::format(
             "cluster {}: made after the backup: its CA keys are lost, and no inventory here has it\n",
             printable(cell(row, "/cluster"))) +
         nodes_text(list_at(row, "/machines"),
                    "its machines that came by, which go on as they are") +
         "  to have it anew: muster-agent reset --yes on each of them, then muster apply, and let them in\n";
}

std::string restore_text(const nlohmann::json& answer) {
  std::string text;
  if (const std::string unread = cell(answer, "/unread"); !unread.empty()) {
    text = fmt::format("when it was restored cannot be read: {}\n", on_one_line(unread));
  } else if (number_at(answer, "/epoch") == 0) {
    return "nothing was restored here\n";
  } else {
    text = fmt::format("restored {} in epoch {}", time_text(answer, "/restoredAt"),
                       cell(answer, "/epoch"));
    if (number_at(answer, "/backupAt") != 0)
      text += fmt::format(", from a backup of {}", time_text(answer, "/backupAt"));
    text += "\n";
  }
  if (list_at(answer, "/clusters").empty()) text += "every cluster is open\n";
  for (const auto& row : list_at(answer, "/clusters")) text += sealed_text(row);
  for (const auto& row : list_at(answer, "/lostClusters")) text += lost_text(row);
  for (const auto& release : list_at(answer, "/missingArtifacts"))
    text += fmt::format("files of release {} are missing: muster release import\n",
                        printable(cell(release, "")));
  for (const auto& question : list_at(answer, "/asks"))
    text += fmt::format("no machine can tell of {}\n", printable(cell(question, "")));
  return text;
}

struct OpenChoice {
  std::string cluster;
  bool unheard = false, members = false, drop = false;
};

std::string opened_text(const nlohmann::json& answer) {
  std::string text = fmt::format("cluster {} goes on\n", printable(cell(answer, "/cluster")));
  for (const auto& note : list_at(answer, "/notes"))
    text += fmt::format("  {}\n", printable(cell(note, "")));
  return text;
}

}  // namespace

void add_restore_commands(CommandLine& line) {
  auto* group = line.app.add_subcommand(
      "restore",
      "What a restored server (muster-server restore) learned, and opening its clusters");
  group->require_subcommand(1);
  auto* status =
      group->add_subcommand("status", "what is sealed, what machines showed, what is missing");
  status->footer("Example: muster restore status");
  line.on(status, [](Session& session) {
    return ask_and_show(session, "GET", "restore", nullptr, restore_text);
  });

  auto choice = std::make_shared<OpenChoice>();
  auto* open = group->add_subcommand("open", "a sealed cluster goes on");
  open->add_option("CLUSTER", choice->cluster, "which one")->required();
  open->add_flag(
      "--unheard", choice->unheard,
      "although not every master showed what it holds: who was banned since is not known");
  open->add_flag(
      "--members", choice->members,
      "lets in again members of pools that came after the backup, as they showed what the site signed for them");
  open->add_flag("--drop", choice->drop,
                 "machines that only the machines' own peer list has lose their place");
  open->footer("Example: muster restore open lab");
  line.on(open, [choice](Session& session) {
    return ask_and_show(
        session, "POST", "restore/" + escape(choice->cluster) + "/open",
        {{"unheard", choice->unheard}, {"members", choice->members}, {"drop", choice->drop}},
        opened_text);
  });
}

}  // namespace muster
