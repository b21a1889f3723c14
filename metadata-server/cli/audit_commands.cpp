#include <CLI/CLI.hpp>

#include "cli/answer.hpp"
#include "cli/session.hpp"
#include "cli/time_span.hpp"

namespace muster {
namespace {

struct AuditOptions {
  std::string after, since, node;
  int count = 100;
};

std::string rows_text(const nlohmann::json& answer) {
  Table table({"TIME", "ACTOR", "ACTION", "SUBJECT", "DETAIL"});
  for (const auto& row : list_at(answer, "/rows")) {
    table.row({time_text(row, "/time"), cell(row, "/actor"), cell(row, "/action"),
               cell(row, "/subject"), cell(row, "/detail")});
  }
  std::string text = table.text();
  if (number_at(answer, "/ahead") > 0)
    text += fmt::format(
        "{} row(s) say a time that is still to come: the server's clock was ahead when they were written; they stand where they were written, and --since keeps them\n",
        cell(answer, "/ahead"));
  if (number_at(answer, "/olderFiles") == 0) return text;
  return text + fmt::format("older rows: {} file(s) in {} on the server, for zcat\n",
                            cell(answer, "/olderFiles"), cell(answer, "/olderFolder"));
}

Exit show(Session& session, const AuditOptions& options) {
  std::string query = options.after.empty()
                          ? fmt::format("tail={}", options.count)
                          : fmt::format("after={}&limit={}", escape(options.after), options.count);
  if (!options.node.empty()) query += "&node=" + escape(options.node);
  if (!options.since.empty()) {
    const auto seconds = time_span(session, "--since", options.since);
    if (!seconds) return Exit::usage;
    query += fmt::format("&within={}", *seconds);
  }
  return ask_and_show(
      session, "GET", "audit?" + query, nullptr, [&options](const nlohmann::json& answer) {
        const bool is_found = options.node.empty() || !list_at(answer, "/rows").empty();
        return rows_text(answer) + (is_found
                                        ? std::string()
                                        : fmt::format("no row of a machine '{}' is among them\n",
                                                      printable(options.node)));
      });
}

}  // namespace

void add_audit_command(CommandLine& line) {
  auto options = std::make_shared<AuditOptions>();
  auto* command = line.app.add_subcommand(
      "audit", "Who ordered, granted and refused what, and when: the newest rows, last");
  command->add_option("-n,--tail,--limit", options->count, "most rows to show")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  command->add_option("--since", options->since, "none that say an older time: 90s, 15m, 4h, 2d");
  command->add_option("--node", options->node, "of this machine: NAME, or CLUSTER/NAME");
  command->add_option("--after", options->after,
                      "page by page: rows that were written after this id, the oldest first");
  command->footer("Example: muster audit --node m1 --since 2h");
  line.on(command, [options](Session& session) { return show(session, *options); });
}

}  // namespace muster
