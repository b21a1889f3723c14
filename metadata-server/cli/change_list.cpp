#include "cli/change_list.hpp"

#include "cli/answer.hpp"

namespace muster {
namespace {

std::string change_text(const nlohmann::json& change) {
  const auto cost = cell(change, "/cost");
  std::string text =
      fmt::format("{:<8}  {}/{}{}\n", cell(change, "/change"), printable(cell(change, "/cluster")),
                  printable(cell(change, "/node")),
                  cost.empty() || cost == "none" ? "" : fmt::format("  (costs a {})", cost));
  for (const auto& difference : list_at(change, "/differences")) {
    text += "    " + printable(cell(difference, "")) + "\n";
  }
  for (const auto& effect : list_at(change, "/effects")) {
    text += "  > " + printable(cell(effect, "")) + "\n";
  }
  return text;
}

// Releases that were imported and that no cluster takes by itself.
std::string upgrades_text(const nlohmann::json& answer) {
  std::string text;
  for (const auto& row : list_at(answer, "/upgrades")) {
    const std::string from = cell(row, "/from"), name = cell(row, "/release");
    text +=
        printable(fmt::format(
            "{}: {} {}; muster apply --upgrade {} takes {}", cell(row, "/cluster"), name,
            from.empty() ? "is not taken by itself" : "stays at " + from, name, cell(row, "/to"))) +
        "\n";
  }
  return text;
}

std::string notes_text(const nlohmann::json& answer) {
  std::string text;
  for (const auto& note : list_at(answer, "/notes")) text += printable(cell(note, "")) + "\n";
  return text;
}

}  // namespace

std::string numbered(const nlohmann::json& answer, const std::string& cluster,
                     const std::string& revision) {
  const auto number = cell(answer, "/numbers/" + cluster);
  return number.empty() || number == "0" ? revision : fmt::format("{} ({})", number, revision);
}

std::string changes_text(const nlohmann::json& answer) {
  std::string text, warnings;
  auto unchanged = static_cast<std::size_t>(number_at(answer, "/unchanged"));
  for (const auto& change : list_at(answer, "/changes")) {
    const auto too_old = cell(change, "/agentTooOld");
    if (!too_old.empty()) warnings += fmt::format("warning: {}\n", printable(too_old));
    if (cell(change, "/change") == "unchanged") {
      ++unchanged;
    } else {
      text += change_text(change);
    }
  }
  return text +
         fmt::format("{} {} unchanged\n", unchanged, unchanged == 1 ? "machine" : "machines") +
         upgrades_text(answer) + notes_text(answer) + warnings;
}

}  // namespace muster
