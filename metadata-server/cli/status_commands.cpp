#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "cli/site_notes.hpp"
#include "cli/time_span.hpp"

namespace muster {
namespace {

// "lab: m1 has the turn since ... and failed; m2, m3 wait for theirs"
std::string turns_note(const nlohmann::json& row) {
  std::string holder, waiting;
  std::size_t count = 0;
  const nlohmann::json turns = row.value("turns", nlohmann::json::object());
  for (const auto& [node, turn] : turns.items()) {
    if (cell(turn, "/state") == "holds") {
      holder =
          fmt::format("{} has the turn since {}", on_one_line(node), time_text(turn, "/since"));
      const std::string held_up = cell(turn, "/heldUp");
      if (!held_up.empty()) holder += ", and holds the others up: " + on_one_line(held_up);
    } else {
      ++count;
      waiting += (waiting.empty() ? "" : ", ") + on_one_line(node);
    }
  }
  if (holder.empty() && waiting.empty()) return {};
  if (count > 0)
    waiting = fmt::format("{}{} {}", holder.empty() ? "" : "; ", waiting,
                          count == 1 ? "waits for its turn" : "wait for their turns");
  return fmt::format(
      "{}: {}{} (muster node show tells what for, muster node converge NAME --cancel ends it)\n",
      cell(row, "/cluster"), holder, waiting);
}

// "m1, m2 and 5 more"
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 5;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  return names.size() <= shown ? text : fmt::format("{} and {} more", text, names.size() - shown);
}

// What somebody ordered of machines and is not over, with the way back.
std::string orders_note(const nlohmann::json& row) {
  const std::string cluster = cell(row, "/cluster");
  std::string notes;
  const auto add = [&](const char* list, const auto& text_of, const char* what, const char* cure) {
    std::vector<std::string> found;
    for (const auto& one : list_at(row, list)) found.push_back(on_one_line(text_of(one)));
    if (!found.empty())
      notes += fmt::format("{}: {}: {}; muster {}\n", cluster, what, some_of(found), cure);
  };
  const auto with_reason = [](const nlohmann::json& one) {
    const std::string reason = cell(one, "/reason");
    return cell(one, "/node") + (reason.empty() ? " (no reason was given)" : " (" + reason + ")");
  };
  const auto with_time = [](const nlohmann::json& one) {
    return fmt::format("{} since {}", cell(one, "/node"), time_text(one, "/orderedAt"));
  };
  const auto with_phase = [](const nlohmann::json& one) {
    return fmt::format("{} ({})", cell(one, "/node"), cell(one, "/phase"));
  };
  add("/bans", with_reason, "banned", "unban NAME lets it in again");
  add("/replacements", with_time, "replacement ordered, waits for another key",
      "node replace NAME --cancel takes it back");
  add("/converges", with_time, "converge ordered, waits for its next report",
      "node converge NAME --cancel takes it back");
  add("/reprovisions", with_time, "reprovisioning ordered, waits for its next start",
      "node reprovision NAME --cancel takes it back");
  add("/diskWipes", with_time, "wipe of the state disk ordered, waits for its next start",
      "node wipe-disk NAME --cancel takes it back");
  add("/drains", with_phase, "drain ordered", "node undrain NAME takes it back");
  return notes;
}

// What a document asks for and waits for somebody to say when.
std::string pending_note(const nlohmann::json& row) {
  if (number_at(row, "/pendingChanges") == 0) return {};
  return fmt::format(
      "{}: {} machine(s) wait for a restart or a reboot (muster node list, PENDING); muster node converge NAME does it now, but for what says \"at its next boot\"\n",
      cell(row, "/cluster"), cell(row, "/pendingChanges"));
}

// Etcd that somebody gave up, until another one runs.
std::string reinitialisation_note(const nlohmann::json& row) {
  const nlohmann::json order = row.value("reinitialisation", nlohmann::json());
  if (!order.is_object()) return {};
  const std::string cluster = cell(row, "/cluster"), restored_on = cell(order, "/restoredOn");
  return fmt::format(
      "{}: etcd reinitialised at {} by {}, {}{}\n", cluster, time_text(order, "/orderedAt"),
      on_one_line(cell(order, "/by")),
      restored_on.empty()
          ? std::string("and none runs yet")
          : fmt::format("restored on {}, which does not run yet", on_one_line(restored_on)),
      cell(order, "/canBeCancelled").empty()
          ? std::string()
          : fmt::format("; muster cluster reinitialise {} --cancel takes it back", cluster));
}

// What is decided of a cluster and not published yet.
std::string due_note(const nlohmann::json& row) {
  const nlohmann::json due = row.value("due", nlohmann::json());
  if (!due.is_object() || !cell(row, "/awaitsSignature").empty()) return {};
  const std::string refused = cell(due, "/refused");
  return fmt::format("{}: due to be published for {} s: {} ({}){}\n", cell(row, "/cluster"),
                     cell(due, "/seconds"), on_one_line(cell(due, "/why")),
                     on_one_line(cell(due, "/by")),
                     refused.empty() ? "" : "; refused: " + on_one_line(refused));
}

// What is wrong with one, and below it what to do.
std::string trouble_text(const std::string& who, const nlohmann::json& row) {
  const std::string cure = cell(row, "/cure");
  return on_one_line(fmt::format("{}: {}", who, cell(row, "/reason"))) + "\n" +
         (cure.empty() ? "" : "  cure: " + on_one_line(cure) + "\n");
}

std::string status_text(const nlohmann::json& answer) {
  Table table({"CLUSTER", "REVISION", "MACHINES", "CONVERGED", "CONVERGING", "PENDING", "FAILED",
               "UNWELL", "SILENT", "NEVER ENROLLED", "BANNED"});
  for (const auto& row : list_at(answer, "/clusters")) {
    table.row({cell(row, "/cluster"), cell(row, "/revision"), cell(row, "/machines"),
               cell(row, "/converged"), cell(row, "/converging"), cell(row, "/pendingChanges"),
               cell(row, "/failed"), cell(row, "/unwell"), cell(row, "/silent"),
               cell(row, "/neverEnrolled"), cell(row, "/banned")});
  }
  std::string notes;
  for (const auto& row : list_at(answer, "/clusters")) {
    if (row.contains("secondsLeft"))
      notes += ending_note(cell(row, "/cluster"), number_at(row, "/secondsLeft"));
    notes += reinitialisation_note(row) + due_note(row);
    if (cell(row, "/awaitsSignature").empty()) continue;
    notes += fmt::format(
        "{}: bans changed since it was signed, and this server may not sign: run muster apply DIR --document-key FILE\n",
        cell(row, "/cluster"));
  }
  for (const auto& row : list_at(answer, "/clusters")) {
    notes += orders_note(row) + turns_note(row) + pending_note(row);
    if (number_at(row, "/twoHistories") > 0)
      notes += fmt::format(
          "{}: ALARM: {} machine(s) know two documents of one generation: this server was put back, or somebody else signs\n",
          cell(row, "/cluster"), cell(row, "/twoHistories"));
    for (const auto& failed : list_at(row, "/failedStarts"))
      notes +=
          on_one_line(fmt::format("{}: ALARM: {}: {}; muster node reprovision {} tries it again",
                                  cell(row, "/cluster"), cell(failed, "/node"),
                                  cell(failed, "/reason"), cell(failed, "/node"))) +
          "\n";
    if (number_at(row, "/reset") > 0)
      notes += fmt::format("{}: {} machine(s) were reset (muster node list, STATE)\n",
                           cell(row, "/cluster"), cell(row, "/reset"));
    if (number_at(row, "/vanishing") > 0)
      notes +=
          fmt::format("{}: {} machine(s) not heard of, to be removed soon (muster node list)\n",
                      cell(row, "/cluster"), cell(row, "/vanishing"));
  }
  for (const auto& row : list_at(answer, "/incompleteReleases")) {
    if (const std::string unread = cell(row, "/unread"); !unread.empty()) {
      notes += fmt::format(
          "release {} {}: its record cannot be read; import it again with muster release import: {}\n",
          cell(row, "/name"), cell(row, "/version"), on_one_line(unread));
      continue;
    }
    notes += fmt::format(
        "release {} {}: {} of {} files are not on the server's disk; bring them back with muster release import\n",
        cell(row, "/name"), cell(row, "/version"), cell(row, "/missing"), cell(row, "/files"));
  }
  for (const auto& row : list_at(answer, "/worst"))
    notes += trouble_text(cell(row, "/cluster") + "/" + cell(row, "/node"), row);
  for (const auto& row : list_at(answer, "/strangers")) {
    const std::string hostname = cell(row, "/hostname");
    notes += trouble_text(
        cell(row, "/source") + (hostname.empty() ? "" : fmt::format(" ('{}')", hostname)), row);
  }
  return table.text() + site_notes(answer) + notes +
         fmt::format("{} machine(s) wait for an approval (muster pending)\n",
                     cell(answer, "/pendingApprovals"));
}

Exit watch(Session& session) {
  const bool on_terminal = ::isatty(STDOUT_FILENO) == 1;
  for (;;) {
    auto answer = session.ask("GET", "status");
    if (!answer) return complain(session, answer.error());
    // Home and erase below: the table stays in place while its numbers change.
    if (!session.wants_json() && on_terminal) print("\x1b[H\x1b[J");
    print(session.wants_json() ? answer->dump() + "\n" : status_text(*answer));
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

// What a shell must know: the words that may follow each word.
std::string completion_words(const CLI::App& app) {
  std::string words;
  for (const auto* command : app.get_subcommands({}))
    words += (words.empty() ? "" : " ") + command->get_name();
  return words;
}

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  for (const auto* command : app.get_subcommands({})) {
    const auto words = completion_words(*command);
    if (!words.empty())
      cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), words);
  }
  return fmt::format(
      "_muster() {{\n  local words=\"{}\"\n  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  ((COMP_CWORD > 2)) && words=\"--cluster --output --help\"\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\"))\n}}\ncomplete -o default -F _muster muster\n",
      completion_words(app), cases);
}

}  // namespace

void add_status_commands(CommandLine& line) {
  auto* init = line.app.add_subcommand(
      "init", "Shows the site's pin and addresses; muster-server init made them");
  init->footer(
      "The pin is what a machine needs to trust this server: sitePin in /etc/muster/agent.json.\nExample: muster init -o json");
  line.on(init, [](Session& session) {
    return ask_and_show(session, "GET", "site", nullptr, [](const nlohmann::json& answer) {
      return fmt::format("site pin   {}\nboot       {}\nenrol      {}\nnode       {}\n",
                         cell(answer, "/pin"), cell(answer, "/servers/boot"),
                         cell(answer, "/servers/enrol"), cell(answer, "/servers/node"));
    });
  });

  auto watching = std::make_shared<bool>(false);
  auto* status = line.app.add_subcommand("status", "Every cluster in one line");
  status->footer("Example: muster status --watch");
  status->add_flag("--watch", *watching, "again each second, until interrupted");
  line.on(status, [watching](Session& session) {
    return *watching ? watch(session)
                     : ask_and_show(session, "GET", "status", nullptr, status_text);
  });

  auto shell = std::make_shared<std::string>();
  auto* completion =
      line.app.add_subcommand("completion", "Prints a completion script for your shell");
  completion->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  completion->footer("Example: muster completion bash > /etc/bash_completion.d/muster");
  auto* app = &line.app;
  line.on(completion, [app, shell](Session&) {
    print((*shell == "zsh" ? "autoload -U bashcompinit && bashcompinit\n" : "") +
          bash_completion(*app));
    return Exit::ok;
  });
}

}  // namespace muster
