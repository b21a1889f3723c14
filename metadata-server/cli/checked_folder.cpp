#include "cli/checked_folder.hpp"

#include <algorithm>
#include <cstdio>

#include "cli/answer.hpp"
#include "inventory/problems_json.hpp"

namespace muster {

Exit show_problems(const Session& session, const std::vector<InventoryProblem>& problems) {
  if (session.wants_json()) {
    print(json_text({{"valid", false}, {"problems", problems_json(problems)}}));
  } else {
    std::fprintf(stderr, "%s\nmuster: %zu %s; nothing was changed\n", to_text(problems).c_str(),
                 problems.size(), problems.size() == 1 ? "problem" : "problems");
  }
  return Exit::invalid_inventory;
}

namespace {

std::string problem_lines(const nlohmann::json& problems) {
  std::string text;
  for (const auto& problem : problems) {
    const std::string field = cell(problem, "/field");
    text += printable(cell(problem, "/file"));
    if (number_at(problem, "/line") > 0)
      text += fmt::format(":{}:{}", number_at(problem, "/line"), number_at(problem, "/column"));
    text += printable(fmt::format(": {}{}{}", field, field.empty() ? "" : ": ",
                                  cell(problem, "/message"))) +
            "\n";
  }
  return text;
}

}  // namespace

Exit show_refusal(Session& session, const Error& error) {
  const auto& problems = list_at(session.last_answer, "/problems");
  const Exit exit = complain(session, error);
  if (problems.empty()) return exit;
  if (session.wants_json()) print(json_text({{"valid", false}, {"problems", problems}}));
  std::fprintf(stderr, "%s", problem_lines(problems).c_str());
  return Exit::invalid_inventory;
}

tl::expected<void, Exit> tell_warnings(const Session& session, std::vector<InventoryProblem> found,
                                       Warnings warnings) {
  if (found.empty()) return {};
  sort_by_place(found);
  if (warnings == Warnings::refused) return tl::unexpected<Exit>(show_problems(session, found));
  for (const auto& warning : found) std::fprintf(stderr, "warning: %s\n", to_text(warning).c_str());
  return {};
}

std::vector<InventoryProblem> further_warnings(const nlohmann::json& answer,
                                               const std::vector<InventoryProblem>& told) {
  const auto known = problems_json(told);
  std::vector<InventoryProblem> further;
  for (const auto& row : list_at(answer, "/warnings")) {
    if (std::find(known.begin(), known.end(), row) != known.end()) continue;
    // The server says "expected ..., found ...; ..." in one text.
    const std::string_view before = "expected ";
    std::string text = printable(cell(row, "/message"));
    if (text.starts_with(before)) text.erase(0, before.size());
    const std::size_t found = text.find(", found ");
    further.push_back({printable(cell(row, "/file")),
                       static_cast<int>(number_at(row, "/line")),
                       static_cast<int>(number_at(row, "/column")),
                       printable(cell(row, "/field")),
                       text.substr(0, found),
                       found == std::string::npos ? "" : text.substr(found + 8),
                       {}});
  }
  return further;
}

tl::expected<CheckedFolder, Exit> read_checked(Session& session, const std::string& folder,
                                               Warnings warnings, const ReleaseFlags& releases) {
  auto files = read_folder(folder);
  if (!files) return tl::unexpected<Exit>(complain(session, files.error()));
  return check_read_files(session, std::move(*files), warnings, releases);
}

tl::expected<CheckedFolder, Exit> check_read_files(Session& session, InventoryFiles files,
                                                   Warnings warnings,
                                                   const ReleaseFlags& releases) {
  auto inventory = load(files, Rules::today, releases);
  if (!inventory) return tl::unexpected<Exit>(show_problems(session, inventory.error()));
  if (auto told = tell_warnings(session, inventory->warnings, warnings); !told)
    return tl::unexpected(told.error());
  return CheckedFolder{std::move(files), std::move(*inventory)};
}

}  // namespace muster
