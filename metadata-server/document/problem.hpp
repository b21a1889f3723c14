// What is wrong with an input, and where: collected, so that a person sees every problem at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct Problem {
  std::string where;    // JSON pointer (RFC 6901), "/role/address"; empty for the whole input
  std::string message;  // what was expected, what was found
};

// One line per problem: "/role/address: expected an IPv4 address, found 'x'".
[[nodiscard]] std::string to_text(const std::vector<Problem>& problems);

// kind invalid: "node document: refused, 2 problems:" and one line per problem.
[[nodiscard]] tl::unexpected<Error> fail(std::string_view what,
                                         const std::vector<Problem>& problems);

// pointer_to("/files", "a/b") is "/files/a~1b".
[[nodiscard]] std::string pointer_to(std::string_view where, std::string_view field);
[[nodiscard]] std::string pointer_to(std::string_view where, std::size_t index);

// 'x' in single ticks; control characters as \x1b, cut after 80 bytes: fit for any terminal or log.
[[nodiscard]] std::string in_ticks(std::string_view text);

}  // namespace muster
