#include "document/release_version.hpp"

#include <algorithm>
#include <cstddef>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

bool starts_prerelease(std::string_view text) {
  if (text.empty()) return false;
  return text[0] == '~' || (text[0] == '-' && text.size() > 1 && !is_digit(text[1]));
}

// Takes the leading run of digits (or of others) off `text`.
std::string_view take_run(std::string_view& text, bool digits) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length]) == digits) {
    if (length > 0 && starts_prerelease(text.substr(length))) break;
    ++length;
  }
  const std::string_view run = text.substr(0, length);
  text.remove_prefix(length);
  return run;
}

int compare_numbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    if (starts_prerelease(a) != starts_prerelease(b)) return starts_prerelease(a) ? -1 : 1;
    if (a.empty() || b.empty()) return a.empty() ? -1 : 1;
    const bool digits = is_digit(a[0]);
    if (digits != is_digit(b[0])) return digits ? 1 : -1;
    const std::string_view run_a = take_run(a, digits);
    const std::string_view run_b = take_run(b, digits);
    if (const int order = digits ? compare_numbers(run_a, run_b) : run_a.compare(run_b))
      return order;
  }
  return 0;
}

}  // namespace muster
