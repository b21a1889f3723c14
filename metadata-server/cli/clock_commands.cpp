#include <CLI/CLI.hpp>
#include <chrono>

#include "cli/answer.hpp"
#include "cli/session.hpp"

namespace muster {
namespace {

std::string clock_text(const nlohmann::json& answer) {
  const bool is_believed = answer.value("believed", cell(answer, "/message").empty());
  std::string text =
      fmt::format("{}  {}\n", time_text(answer, "/time"), is_believed ? "believed" : "in doubt");
  if (const std::string message = cell(answer, "/message"); !message.empty())
    text += printable(message) + "\n  cure: " + printable(cell(answer, "/cure")) + "\n";
  return text;
}

}  // namespace

void add_clock_commands(CommandLine& line) {
  auto* clock = line.app.add_subcommand("clock", "The time by which clusters end");
  clock->require_subcommand(1);
  auto* show = clock->add_subcommand("show", "The server's clock, and whether it is believed");
  show->footer("Example: muster clock show");
  line.on(show, [](Session& session) {
    return ask_and_show(session, "GET", "clock", nullptr, clock_text);
  });
  auto* confirm = clock->add_subcommand("confirm", "Says that the server's clock is right");
  confirm->footer(
      "After a server was off for long, or its clock was set, nothing ends or expires until the clock is believed.\nIt is compared with the clock of this machine, and refused where they differ by more than five minutes.\nExample: muster clock confirm");
  line.on(confirm, [](Session& session) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const nlohmann::json body{
        {"time", std::chrono::duration_cast<std::chrono::seconds>(now).count()}};
    return ask_and_show(session, "POST", "clock/confirm", body, clock_text);
  });
}

}  // namespace muster
