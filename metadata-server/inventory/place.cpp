#include "inventory/place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "inventory/url_credentials.hpp"

namespace muster {

namespace {

std::string place_text(const std::string& file, int line, int column) {
  if (line == 0) return file;
  return fmt::format("{}:{}:{}", file, line, column);
}

}  // namespace

std::string to_text(const Place& place) {
  return place.file == nullptr ? std::string() : place_text(*place.file, place.line, place.column);
}

InventoryProblem problem_at(const Place& place, std::string field, std::string expected,
                            std::string found, std::string hint) {
  return {place.file == nullptr ? std::string("inventory") : *place.file,
          place.line,
          place.column,
          std::move(field),
          std::move(expected),
          without_url_users(std::move(found)),
          without_url_users(std::move(hint))};
}

std::string message(const InventoryProblem& problem) {
  const std::string hint = problem.hint.empty() ? std::string() : "; " + problem.hint;
  return fmt::format("expected {}, found {}{}", problem.expected, problem.found, hint);
}

std::string to_text(const InventoryProblem& problem) {
  const std::string field = problem.field.empty() ? std::string() : problem.field + ": ";
  return fmt::format("{}: {}{}", place_text(problem.file, problem.line, problem.column), field,
                     message(problem));
}

std::string to_text(const std::vector<InventoryProblem>& problems) {
  std::vector<InventoryProblem> sorted = problems;
  sort_by_place(sorted);
  std::string text;
  for (const InventoryProblem& problem : sorted) text += to_text(problem) + "\n";
  return text;
}

void sort_by_place(std::vector<InventoryProblem>& problems) {
  std::stable_sort(problems.begin(), problems.end(),
                   [](const InventoryProblem& left, const InventoryProblem& right) {
                     return std::tie(left.file, left.line, left.column) <
                            std::tie(right.file, right.line, right.column);
                   });
}

}  // namespace muster
