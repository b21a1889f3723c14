#include "document/problem.hpp"

#include "document/utf8.hpp"

namespace muster {

std::string to_text(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += problem.where.empty() ? "/" : problem.where;
    text += ": " + problem.message;
  }
  return text;
}

tl::unexpected<Error> fail(std::string_view what, const std::vector<Problem>& problems) {
  return fail(ErrorKind::invalid,
              fmt::format("{}: refused, {} {}:\n{}", what, problems.size(),
                          problems.size() == 1 ? "problem" : "problems", to_text(problems)));
}

std::string pointer_to(std::string_view where, std::string_view field) {
  std::string pointer(where);
  pointer += '/';
  for (const char c : field) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string pointer_to(std::string_view where, std::size_t index) {
  return fmt::format("{}/{}", where, index);
}

std::string in_ticks(std::string_view text) {
  constexpr std::size_t longest = 80;
  const std::string_view shown = cut_text(text, longest);
  return fmt::format("'{}{}'", printable(shown), shown.size() < text.size() ? "..." : "");
}

}  // namespace muster
