#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

// "  LABEL VALUE" where there is a value.
void add_line(std::string& text, std::string_view label, const std::string& value) {
  if (!value.empty()) text += printable(fmt::format("  {} {}", label, value)) + "\n";
}

std::string refusal_text(const nlohmann::json& row) {
  std::string text = printable(fmt::format(
      "{}: {}, {} since {}, last {}", cell(row, "/code") == "awaits_backup" ? "waits" : "refused",
      cell(row, "/code"), number_at(row, "/count") == 1 ? "once" : cell(row, "/count") + " times",
      time_text(row, "/since"), time_text(row, "/last")));
  text += "\n  " + printable(cell(row, "/message")) + "\n";
  add_line(text, "from", cell(row, "/source"));
  add_line(text, "calls itself", cell(row, "/hostname"));
  add_line(text, "key", cell(row, "/fingerprint"));
  add_line(text, "asked for", cell(row, "/asked"));
  add_line(text, "by join token", cell(row, "/token"));
  add_line(text, "as machine", cell(row, "/node"));
  add_line(text, "as instance", cell(row, "/instance"));
  return text;
}

std::string ban_text(const nlohmann::json& ban, const std::string& cluster,
                     const std::string& node) {
  std::string text = on_one_line(cell(ban, "/reason"));
  if (text.empty()) text = "no reason was given";
  if (number_at(ban, "/since") != 0)
    text += fmt::format(" (since {}, by {})", time_text(ban, "/since"), cell(ban, "/by"));
  return text + fmt::format("; `muster unban {} --cluster {}` lets it in again", node, cluster);
}

std::string explanation_text(const nlohmann::json& answer) {
  std::string text;
  for (const auto& row : list_at(answer, "/refusals")) text += refusal_text(row);
  for (const auto& row : list_at(answer, "/waiting")) {
    text += "waits for an operator since " + time_text(row, "/since") + "\n";
    add_line(text, "from", cell(row, "/source"));
    add_line(text, "calls itself", cell(row, "/hostname"));
    add_line(text, "muster approve NAME --fingerprint", cell(row, "/fingerprint"));
  }
  for (const auto& row : list_at(answer, "/machines")) {
    text += printable(fmt::format("{}/{}: {}", cell(row, "/cluster"), cell(row, "/node"),
                                  cell(row, "/state"))) +
            "\n";
    if (const auto ban = row.find("ban"); ban != row.end() && ban->is_object())
      add_line(text, "banned:", ban_text(*ban, cell(row, "/cluster"), cell(row, "/node")));
    add_line(text, "at", cell(row, "/address"));
    add_line(text, "key", cell(row, "/fingerprint"));
    add_line(text, "enrolled", time_text(row, "/enrolledAt"));
    for (const auto& reason : list_at(row, "/heldUp"))
      add_line(text, "held up:", on_one_line(cell(reason, "")));
    add_line(text, "if it was reset or reinstalled:", cell(row, "/wayBack"));
    if (number_at(row, "/departedUntil") != 0)
      add_line(
          text, "left the inventory:",
          fmt::format(
              "the certificates that it has are refused, and end by {}; what runs on it goes on until it is switched off or `muster-agent reset --yes` is run there; to have it back, put it into the inventory again, then on it `muster-agent reset --yes` and a new join token",
              time_text(row, "/departedUntil")));
  }
  return text;
}

}  // namespace

void add_enrolment_commands(CommandLine& line) {
  auto name = std::make_shared<std::string>();
  auto* command = line.app.get_subcommand("explain")->add_subcommand(
      "enrolment", "why a machine was not let in, or what it is");
  command
      ->add_option("NAME", *name,
                   "its node name, address, EC2 instance id, key's fingerprint or own host name")
      ->required();
  command->footer(
      "Refusals are kept in the server's memory: the last 8 of each address.\n"
      "Example: muster explain enrolment 10.64.1.7");
  line.on(command, [name](Session& session) {
    return ask_and_show(session, "GET", "enrolment/" + escape(*name), nullptr, explanation_text);
  });
}

}  // namespace muster
