#include "cli/node_text.hpp"

#include <sstream>

#include "cli/answer.hpp"

namespace muster {
namespace {

class Rows {
 public:
  void add(std::string_view label, const std::string& value) {
    if (!value.empty()) text_ += fmt::format("{:<13}{}\n", label, printable(value));
  }
  // A verdict may be a list of findings, a line each.
  void add_lines(std::string_view label, const std::string& value) {
    std::istringstream lines(value);
    for (std::string line; std::getline(lines, line);) add(label, line);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

void add_identity(const nlohmann::json& answer, Rows& rows) {
  rows.add("node", cell(answer, "/cluster") + "/" + cell(answer, "/node"));
  rows.add("role", cell(answer, "/role"));
  rows.add("address", cell(answer, "/address"));
  rows.add("state", cell(answer, "/state"));
  rows.add("removed", time_text(answer, "/removedAt"));
  if (number_at(answer, "/vanishesAt") != 0)
    rows.add("vanishes", time_text(answer, "/vanishesAt") + ", unless it is heard of");
  rows.add("fingerprint", cell(answer, "/fingerprint"));
}

// What somebody ordered of it that is not over, and how it is taken back.
void add_orders(const nlohmann::json& answer, Rows& rows) {
  const std::string whom =
      fmt::format("{} --cluster {}", cell(answer, "/node"), cell(answer, "/cluster"));
  const auto add = [&](std::string_view label, const std::string& text, const std::string& undo) {
    rows.add(label, text);
    rows.add("to take back", "muster node " + undo);
  };
  if (answer.contains("replace") && !answer["replace"].is_null()) {
    const std::string key = cell(answer, "/replace/key");
    add("replace",
        fmt::format("replacement ordered at {}, waits for {}",
                    time_text(answer, "/replace/orderedAt"),
                    key.empty() ? "another key" : "the key " + key),
        "replace " + whom + " --cancel");
  }
  if (answer.contains("converge") && !answer["converge"].is_null())
    add("converge",
        fmt::format("ordered at {}, waits for its next report",
                    time_text(answer, "/converge/orderedAt")),
        "converge " + whom + " --cancel");
  if (!cell(answer, "/start/reprovision/by").empty())
    add("reprovision",
        fmt::format("ordered at {} by {}, waits for its next start",
                    time_text(answer, "/start/reprovision/orderedAt"),
                    cell(answer, "/start/reprovision/by")),
        "reprovision " + whom + " --cancel");
  if (number_at(answer, "/start/diskWipe/orderedAt") != 0 &&
      number_at(answer, "/start/diskWipe/handedOutAt") == 0)
    add("disk wipe",
        fmt::format("of serial {}, ordered at {} by {}, waits for its next start",
                    cell(answer, "/start/diskWipe/serial"),
                    time_text(answer, "/start/diskWipe/orderedAt"),
                    cell(answer, "/start/diskWipe/by")),
        "wipe-disk " + whom + " --cancel");
  if (!cell(answer, "/turn/state").empty())
    add("turn",
        fmt::format("{} since {}, ordered by {}: {}", cell(answer, "/turn/state"),
                    time_text(answer, "/turn/since"), cell(answer, "/turn/by"),
                    cell(answer, "/turn/message")),
        "converge " + whom + " --cancel");
  if (!cell(answer, "/drain/phase").empty()) {
    const std::string message = cell(answer, "/drain/message");
    add("drain",
        fmt::format("{}{}, ordered at {} by {}, until {}{}", cell(answer, "/drain/phase"),
                    cell(answer, "/drain/remove").empty() ? "" : ", then removed",
                    time_text(answer, "/drain/orderedAt"), cell(answer, "/drain/by"),
                    time_text(answer, "/drain/until"), message.empty() ? "" : ": " + message),
        "undrain " + whom);
  }
}

// Which document is where.
void add_configuration(const nlohmann::json& answer, Rows& rows) {
  if (!cell(answer, "/digest").empty())
    rows.add("published",
             "generation " + cell(answer, "/generation") + ", " + cell(answer, "/digest"));
  rows.add("configured", cell(answer, "/report/configuration"));
  rows.add("fetched", cell(answer, "/report/fetchedDigest"));
  const std::string in_force = cell(answer, "/report/documentDigest");
  const bool is_told = !cell(answer, "/report/fetchedDigest").empty();
  rows.add("in force", in_force.empty() && is_told ? "none wholly" : in_force);
  rows.add("pending", cell(answer, "/report/pendingDigest"));
  for (const auto& pending : list_at(answer, "/report/pending"))
    rows.add("pending", text_of(pending));
  rows.add("refused", cell(answer, "/report/refusedDocument/digest"));
  rows.add_lines("because", cell(answer, "/report/refusedDocument/reason"));
}

// Of a machine that starts by the network.
void add_start(const nlohmann::json& answer, Rows& rows) {
  const std::string state = cell(answer, "/start/state");
  const std::string handed_out = cell(answer, "/start/handedOut/image");
  const std::string told = cell(answer, "/start/script/image");
  const std::string runs = cell(answer, "/start/running/image");
  if (handed_out.empty() && told.empty() && runs.empty()) return;
  rows.add("boot state", state);
  if (state == "accepted")
    rows.add("told", fmt::format("{} at {}, to {}", told, time_text(answer, "/start/script/at"),
                                 cell(answer, "/start/script/source")));
  const std::string starts =
      number_at(answer, "/start/handedOut/starts") == 0
          ? std::string()
          : fmt::format("; not Ready since: {} start(s)", cell(answer, "/start/handedOut/starts"));
  if (!handed_out.empty())
    rows.add("handed out", fmt::format("{} at {}, to {}{}", handed_out,
                                       time_text(answer, "/start/handedOut/archiveAt"),
                                       cell(answer, "/start/handedOut/source"), starts));
  if (number_at(answer, "/start/diskWipe/handedOutAt") != 0)
    rows.add("disk wipe",
             fmt::format("of serial {}, handed out at {} to {}; {}",
                         cell(answer, "/start/diskWipe/serial"),
                         time_text(answer, "/start/diskWipe/handedOutAt"),
                         cell(answer, "/start/diskWipe/to"),
                         number_at(answer, "/start/diskWipe/doneAt") == 0
                             ? "the machine has not said that it was done"
                             : "done at " + time_text(answer, "/start/diskWipe/doneAt")));
  rows.add("its initrd", cell(answer, "/start/handedOut/failure"));
  if (!runs.empty())
    rows.add("came up by", fmt::format("{}, first heard of at {}", runs,
                                       time_text(answer, "/start/running/heardAt")));
  rows.add("ALARM", cell(answer, "/start/alarm"));
}

void add_failure(const nlohmann::json& answer, Rows& rows) {
  rows.add("class", cell(answer, "/report/failureClass"));
  const std::string message = cell(answer, "/report/message");
  // Who fell back has one reason for both.
  if (message != cell(answer, "/report/refusedDocument/reason")) rows.add_lines("message", message);
  rows.add("failed unit", cell(answer, "/report/failure/unit"));
  for (const auto& line : list_at(answer, "/report/failure/log"))
    rows.add("its log", text_of(line));
}

std::string phase_line(const nlohmann::json& phase) {
  const auto begin = static_cast<double>(number_at(phase, "/startUs")) / 1e6;
  const auto end = static_cast<double>(number_at(phase, "/endUs")) / 1e6;
  if (end <= 0)
    return fmt::format("  {:8.2f}   running  {:<20}\n", begin, printable(cell(phase, "/name")));
  return fmt::format("  {:8.2f}  {:8.2f}  {:<20} {}\n", begin, end - begin,
                     printable(cell(phase, "/name")), printable(cell(phase, "/detail")));
}

}  // namespace

std::string node_text(const nlohmann::json& answer) {
  Rows rows;
  add_identity(answer, rows);
  add_orders(answer, rows);
  rows.add("agent", cell(answer, "/report/agentVersion"));
  rows.add("too old", cell(answer, "/agentTooOld"));
  rows.add("verdict", cell(answer, "/report/verdict"));
  rows.add("offline", cell(answer, "/report/offline"));
  rows.add("seen", time_text(answer, "/seenAt"));
  add_start(answer, rows);
  add_configuration(answer, rows);
  for (const auto& problem : list_at(answer, "/report/unwell")) {
    rows.add("unwell", fmt::format("{} {}, since {}", cell(problem, "/subject"),
                                   cell(problem, "/message"), time_text(problem, "/since")));
  }
  add_failure(answer, rows);
  rows.add("reason", cell(answer, "/reason"));
  rows.add("cure", cell(answer, "/cure"));
  return rows.text();
}

std::string timeline_text(const nlohmann::json& answer) {
  // A server of before tells only the last report's.
  const bool has_boot = !list_at(answer, "/boot/phases").empty();
  const auto& boot = list_at(answer, has_boot ? "/boot/phases" : "/report/phases");
  std::string text =
      fmt::format("{}: boot timeline, seconds since power-on\n", printable(cell(answer, "/node")));
  for (const auto& phase : boot) text += phase_line(phase);
  if (!has_boot) return text;
  const std::int64_t boot_ended = number_at(boot.back(), "/startUs");
  std::string later;
  for (const auto& phase : list_at(answer, "/report/phases")) {
    if (number_at(phase, "/startUs") > boot_ended) later += phase_line(phase);
  }
  return later.empty() ? text : text + "the last converge after it\n" + later;
}

}  // namespace muster
