#include "agent/foundation/debian_version.hpp"

#include <algorithm>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

struct DebianVersion {
  std::string_view epoch, upstream, revision;
};

DebianVersion split_version(std::string_view text) {
  DebianVersion version;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    version.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  const auto dash = text.rfind('-');
  version.upstream = text.substr(0, dash);
  if (dash != std::string_view::npos) version.revision = text.substr(dash + 1);
  return version;
}

// '~' comes before the end, which comes before letters, which come before all else.
int rank(std::string_view text) {
  if (text.empty() || is_digit(text.front())) return 0;
  const char c = text.front();
  if (c == '~') return -1;
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return static_cast<unsigned char>(c) + (is_letter ? 0 : 256);
}

std::string_view take_digits(std::string_view& text) {
  const auto zeros = std::min(text.find_first_not_of('0'), text.size());
  text.remove_prefix(zeros);
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

int compare_parts(std::string_view one, std::string_view other) {
  while (!one.empty() || !other.empty()) {
    while ((!one.empty() && !is_digit(one.front())) ||
           (!other.empty() && !is_digit(other.front()))) {
      if (const int difference = rank(one) - rank(other); difference != 0) return difference;
      one.remove_prefix(1);
      other.remove_prefix(1);
    }
    const auto left = take_digits(one), right = take_digits(other);
    if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
    if (const int difference = left.compare(right); difference != 0) return difference;
  }
  return 0;
}

}  // namespace

int compare_debian_versions(std::string_view one, std::string_view other) {
  const auto left = split_version(one), right = split_version(other);
  if (const int epoch = compare_parts(left.epoch, right.epoch); epoch != 0) return epoch;
  const int upstream = compare_parts(left.upstream, right.upstream);
  return upstream != 0 ? upstream : compare_parts(left.revision, right.revision);
}

}  // namespace muster
