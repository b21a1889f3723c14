#include "agent/sources/mime_parts.hpp"

#include <algorithm>
#include <map>

#include "document/field_syntax.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

// Line by line, with either line end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const auto end = std::min(rest_.find('\n'), rest_.size());
    line = rest_.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++number_;
    return true;
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

using Headers = std::map<std::string, std::string>;

// Up to the empty line; a line that begins with white space belongs to the one before.
Headers read_headers(Lines& lines) {
  Headers headers;
  std::string last;
  for (std::string_view line; lines.next(line) && !line.empty();) {
    const auto colon = line.find(':');
    if (line.front() == ' ' || line.front() == '\t') {
      headers[last] += line;
    } else if (colon != std::string_view::npos) {
      last = lower_case(line.substr(0, colon));
      headers[last] = trimmed(line.substr(colon + 1));
    }
  }
  return headers;
}

// Of "multipart/mixed; boundary=\"x\""; empty where there is none.
std::string boundary_of(const Headers& headers) {
  const auto type = headers.find("content-type");
  if (type == headers.end() || lower_case(type->second).rfind("multipart/", 0) != 0) return {};
  const auto at = lower_case(type->second).find("boundary=");
  if (at == std::string::npos) return {};
  const std::string value = type->second.substr(at + 9);
  if (value.rfind('"', 0) == 0) return value.substr(1, value.find('"', 1) - 1);
  return value.substr(0, value.find_first_of("; \t"));
}

Result<std::string> decoded(std::string_view what, int line, const Headers& headers,
                            std::string text) {
  const auto found = headers.find("content-transfer-encoding");
  const std::string encoding = found == headers.end() ? "7bit" : lower_case(found->second);
  if (encoding == "7bit" || encoding == "8bit") return text;
  if (encoding == "base64") {
    std::erase(text, '\n');
    if (auto bytes = base64_decode(text)) return bytes;
    return fail(
        ErrorKind::invalid,
        fmt::format("{}: line {}: expected a part in base64, found something else", what, line));
  }
  return fail(
      ErrorKind::invalid,
      fmt::format("{}: line {}: expected a part as 7bit, 8bit or base64, found another encoding",
                  what, line));
}

}  // namespace

bool is_mime(std::string_view text) {
  const std::string start = lower_case(text.substr(0, 13));
  return start == "content-type:" || start == "mime-version:";
}

Result<std::vector<MimePart>> read_mime_parts(std::string_view what, std::string_view text) {
  Lines lines(text);
  const std::string boundary = boundary_of(read_headers(lines));
  if (boundary.empty()) {
    return fail(
        ErrorKind::invalid,
        fmt::format("{}: line 1: expected 'Content-Type: multipart/mixed' with a boundary", what));
  }
  std::vector<MimePart> parts;
  Headers headers;
  bool is_inside = false;
  std::string body;
  for (std::string_view line; lines.next(line);) {
    const std::string_view bare = line.substr(0, line.find_last_not_of(" \t") + 1);
    const bool is_end = bare == "--" + boundary + "--";
    if (!is_end && bare != "--" + boundary) {
      if (is_inside) body += std::string(line) + "\n";
      continue;
    }
    if (is_inside) {
      auto part = decoded(what, parts.back().line, headers, std::move(body));
      if (!part) return pass(part.error());
      parts.back().text = std::move(*part);
    }
    if (is_end) return parts;
    parts.push_back({lines.number(), {}});
    headers = read_headers(lines);
    body.clear();
    is_inside = true;
  }
  return fail(
      ErrorKind::invalid,
      fmt::format("{}: line {}: expected MIME's closing delimiter, found the end: the text is cut",
                  what, lines.number()));
}

}  // namespace muster
