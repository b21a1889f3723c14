#include "cli/user_data_parts.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "document/problem.hpp"
#include "document/utf8.hpp"
#include "pki/signature.hpp"

namespace muster {

namespace {

using Row = std::pair<std::string_view, std::string_view>;
// The longer of two that begin alike comes first.
constexpr std::array types = {
    Row{"#cloud-config-archive", "text/cloud-config-archive"},
    Row{"#cloud-config", "text/cloud-config"},
    Row{"#cloud-boothook", "text/cloud-boothook"},
    Row{"#include-once", "text/x-include-once-url"},
    Row{"#include", "text/x-include-url"},
    Row{"#part-handler", "text/part-handler"},
    Row{"## template: jinja", "text/jinja2"},
    Row{"#!", "text/x-shellscript"},
};

std::string_view type_of(std::string_view text) {
  const auto* found = std::find_if(types.begin(), types.end(),
                                   [&](const Row& row) { return text.starts_with(row.first); });
  return found == types.end() ? std::string_view{} : found->second;
}

bool is_mime(std::string_view text) {
  return text.starts_with("Content-Type:") || text.starts_with("MIME-Version:");
}

std::string known_beginnings() {
  std::string known;
  for (const auto& [beginning, type] : types) known += fmt::format("{}, ", beginning);
  return known + "or a MIME message";
}

void check(const UserDataPart& part, std::vector<Problem>& problems) {
  if (find_bad_byte(part.text) != std::string_view::npos) {
    problems.push_back({part.name, "expected UTF-8 text without control characters"});
    return;
  }
  if (is_mime(part.text) || !type_of(part.text).empty()) return;
  const std::string line = part.text.substr(0, std::min<std::size_t>(part.text.find('\n'), 40));
  problems.push_back(
      {part.name + ":1", fmt::format("expected a first line that begins with {}, found {}",
                                     known_beginnings(), in_ticks(line))});
}

// Base64 in lines of 76: nothing on the way may change a line's end or its length.
std::string encoded(std::string_view text) {
  const std::string all = base64_encode(text);
  std::string lines;
  for (std::size_t start = 0; start < all.size(); start += 76)
    lines += all.substr(start, 76) + "\n";
  return lines;
}

std::string mime_part(std::string_view type, std::string_view text, std::string_view merge) {
  return fmt::format(
      "Content-Type: {}; charset=\"utf-8\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n{}\n{}",
      type, merge, encoded(text));
}

}  // namespace

Result<std::string> with_parts(const std::string& ours, const std::vector<UserDataPart>& parts) {
  std::vector<Problem> problems;
  std::string all = ours;
  for (const UserDataPart& part : parts) {
    check(part, problems);
    all += part.text;
  }
  if (!problems.empty()) return fail("user-data", problems);
  // Of the content, so that the same parts make the same text; base64 has no '='-'=' line like it,
  // and a MIME message of the operator's can hold it only by knowing its own digest.
  const std::string boundary = "=" + sha256_digest(all).substr(7, 32) + "=";
  std::string text = fmt::format(
      "Content-Type: multipart/mixed; boundary=\"{}\"\nMIME-Version: 1.0\n\n", boundary);
  for (const UserDataPart& part : parts)
    text +=
        fmt::format("--{}\n{}\n", boundary,
                    is_mime(part.text) ? part.text : mime_part(type_of(part.text), part.text, ""));
  text += fmt::format("--{}\n{}--{}--\n", boundary,
                      mime_part("text/cloud-config", ours,
                                "Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n"),
                      boundary);
  return text;
}

}  // namespace muster
