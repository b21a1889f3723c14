#include "cli/checked_folder.hpp"

#include <cstdio>

#include "cli/answer.hpp"

namespace muster {

Exit show_problems(const Session& session, const std::vector<InventoryProblem>& problems) {
  if (session.wants_json()) {
    auto rows = nlohmann::json::array();
    for (const auto& problem : problems) {
      rows.push_back({{"file", problem.file},
                      {"line", problem.line},
                      {"column", problem.column},
                      {"field", problem.field},
                      {"message", message(problem)}});
    }
    print(json_text({{"valid", false}, {"problems", rows}}));
  } else {
    std::fprintf(stderr, "%s\nmuster: %zu %s; nothing was changed\n", to_text(problems).c_str(),
                 problems.size(), problems.size() == 1 ? "problem" : "problems");
  }
  return Exit::invalid_inventory;
}

Exit show_refusal(Session& session, const Error& error) {
  const auto& problems = list_at(session.last_answer, "/problems");
  const Exit exit = complain(session, error);
  if (problems.empty()) return exit;
  if (session.wants_json()) print(json_text({{"valid", false}, {"problems", problems}}));
  std::fprintf(stderr, "%s", problem_lines(problems).c_str());
  return Exit::invalid_inventory;
}

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

tl::expected<CheckedFolder, Exit> read_checked(Session& session, const std::string& folder) {
  auto files = read_folder(folder);
  if (!files) return tl::unexpected<Exit>(complain(session, files.error()));
  return check_files(session, std::move(*files));
}

tl::expected<CheckedFolder, Exit> check_files(Session& session, InventoryFiles files) {
  auto inventory = load(files);
  if (!inventory) return tl::unexpected<Exit>(show_problems(session, inventory.error()));
  if (!inventory->warnings.empty()) {
    std::fprintf(stderr, "%s\n", to_text(inventory->warnings).c_str());
  }
  return CheckedFolder{std::move(files), std::move(*inventory)};
}

}  // namespace muster
