// Where in the inventory something was written, and the one way a mistake there is told.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace muster {

// Line and column count from 1; 0 where there is none (a default, a whole file). The file's name is
// shared: ten thousand nodes name it without ten thousand copies.
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
};
// "cluster.yaml:7:3", "cluster.yaml" without a line, "" without a file.
[[nodiscard]] std::string to_text(const Place& place);

// A value and where it was written.
template <class T>
struct Sourced {
  T value{};
  Place place;
};

// One mistake of the operator. (document/validate.hpp has its own Problem, which has no file.)
struct InventoryProblem {
  std::string file;
  int line = 0;
  int column = 0;
  std::string field;     // "spec.podCidr"; empty for a whole file or object
  std::string expected;  // "an IPv4 network such as 10.64.0.0/16"
  std::string found;     // "'10.64.0.0/99'", "nothing"
  std::string hint;      // "did you mean 'podCidr'?"; may be empty
};
[[nodiscard]] InventoryProblem problem_at(const Place& place, std::string field,
                                          std::string expected, std::string found,
                                          std::string hint = {});
// "expected E, found F; HINT": the problem without its place and field.
[[nodiscard]] std::string message(const InventoryProblem& problem);
// "cluster.yaml:7:3: spec.podCidr: expected E, found F; HINT"
[[nodiscard]] std::string to_text(const InventoryProblem& problem);
// One line per problem, in the order of file, line and column.
[[nodiscard]] std::string to_text(const std::vector<InventoryProblem>& problems);
void sort_by_place(std::vector<InventoryProblem>& problems);

// What every reading function of this room returns: the thing, or everything that is wrong with it.
template <class T>
using Checked = tl::expected<T, std::vector<InventoryProblem>>;

}  // namespace muster
