#include "cli/site_notes.hpp"

#include <fmt/format.h>

#include <sstream>

#include "cli/answer.hpp"
#include "cli/table.hpp"

namespace muster {
namespace {

std::string note(const std::string& text, const std::string& cure) {
  return on_one_line(text) + "\n" + (cure.empty() ? "" : "  cure: " + printable(cure) + "\n");
}

// A reason may have many lines: an inventory's problems.
std::string quarantine_note(const nlohmann::json& row) {
  std::string text = fmt::format(
      "cluster {} is in quarantine: it is served as it was, and nothing new is published for it\n",
      printable(cell(row, "/cluster")));
  std::istringstream reason(cell(row, "/reason"));
  for (std::string line; std::getline(reason, line);) text += "  " + printable(line) + "\n";
  return text + "  cure: " + printable(cell(row, "/cure")) + "\n";
}

std::string task_note(const nlohmann::json& task) {
  return note(fmt::format("background task {}: failed {} times in a row, last at {}: {}",
                          cell(task, "/name"), cell(task, "/failuresInRow"),
                          time_text(task, "/lastErrorAt"), cell(task, "/lastError")),
              "");
}

}  // namespace

std::string site_notes(const nlohmann::json& status) {
  std::string notes;
  if (const std::string message = cell(status, "/clock/message"); !message.empty())
    notes += note(message, cell(status, "/clock/cure"));
  if (const std::string message = cell(status, "/backup/message"); !message.empty())
    notes += note(message, cell(status, "/backup/cure"));
  for (const auto& name : list_at(status, "/sealed"))
    notes += note(
        fmt::format("cluster {}: sealed since the restore: its machines go on, and get nothing new",
                    name.is_string() ? name.get<std::string>() : ""),
        "muster restore status");
  for (const auto& row : list_at(status, "/quarantined")) notes += quarantine_note(row);
  for (const auto& row : list_at(status, "/clusters")) {
    if (const std::string reason = cell(row, "/unread/reason"); !reason.empty())
      notes += note(fmt::format("cluster {}: its machines cannot be counted: {}",
                                cell(row, "/cluster"), reason),
                    cell(row, "/unread/cure"));
  }
  for (const auto& row : list_at(status, "/unreadRecords"))
    notes += note(fmt::format("{} {}: its record cannot be read: {}", cell(row, "/kind"),
                              cell(row, "/name"), cell(row, "/reason")),
                  cell(row, "/cure"));
  for (const auto& task : list_at(status, "/backgroundTasks")) {
    if (number_at(task, "/failuresInRow") > 0) notes += task_note(task);
  }
  return notes;
}

}  // namespace muster
