#include "agent/sources/mime_parts.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "agent/sources/packed_text.hpp"
#include "document/field_syntax.hpp"

namespace muster {
namespace {

constexpr int deepest = 32;

struct Line {
  std::string_view text;  // with its end
  int number;
};
using Lines = std::span<const Line>;

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// A line ends with "\n", "\r\n" or "\r".
std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    auto end = std::min(text.find_first_of("\r\n"), text.size() - 1);
    if (text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n') ++end;
    lines.push_back({text.substr(0, end + 1), static_cast<int>(lines.size()) + 1});
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text, std::string_view what = " \t\r\n") {
  const auto start = text.find_first_not_of(what);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(what) - start + 1);
}

// In their order.
class Headers {
 public:
  // Takes them off; a line that is none begins the body, as an empty one does.
  explicit Headers(Lines& lines) {
    for (; !lines.empty(); lines = lines.subspan(1)) {
      const std::string_view line = lines.front().text;
      if (without_end(line).empty()) {
        lines = lines.subspan(1);
        return;
      }
      const auto colon = line.find(':');
      if (line.front() == ' ' || line.front() == '\t') {
        if (!rows_.empty()) rows_.back().second += line;
      } else if (colon != std::string_view::npos && is_name(line.substr(0, colon))) {
        auto value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        rows_.emplace_back(line.substr(0, colon), value);
      } else if (!line.starts_with("From ") || !rows_.empty()) {
        return;
      }
    }
  }
  // Of the first; blanks at its end belong to it.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view lower_case_name) const {
    for (const auto& [name, value] : rows_)
      if (lower_case(name) == lower_case_name) return without_end(value);
    return std::nullopt;
  }
  [[nodiscard]] std::string_view exactly(std::string_view name) const {
    for (const auto& [row, value] : rows_)
      if (row == name) return without_end(value);
    return {};
  }

 private:
  static bool is_name(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  }

  std::vector<std::pair<std::string, std::string>> rows_;
};

std::string type_of(const Headers& headers) {
  const auto value = headers.value("content-type");
  if (!value) return "text/plain";
  std::string type = lower_case(trimmed(value->substr(0, value->find(';'))));
  return std::count(type.begin(), type.end(), '/') == 1 ? type : "text/plain";
}

// The parameter's value; a semicolon between quotes ends none.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  bool is_quoted = false;
  std::size_t start = 0;
  for (std::size_t at = 0; at <= header.size(); ++at) {
    if (at < header.size() && header[at] == '"' && (at == 0 || header[at - 1] != '\\'))
      is_quoted = !is_quoted;
    if (at < header.size() && (header[at] != ';' || is_quoted)) continue;
    const auto word = header.substr(start, at - start);
    start = at + 1;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos || lower_case(trimmed(word.substr(0, equals))) != name)
      continue;
    std::string value{trimmed(word.substr(equals + 1))};
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
    std::string plain;
    for (std::size_t i = 1; i + 1 < value.size(); ++i) {
      if (value[i] == '\\' && (value[i + 1] == '\\' || value[i + 1] == '"') && i + 2 < value.size())
        ++i;
      plain += value[i];
    }
    return plain;
  }
  return std::nullopt;
}

std::string joined(Lines lines) {
  std::string text;
  for (const auto& line : lines) text += line.text;
  return text;
}

std::string decoded(const Headers& headers, const std::string& text) {
  const auto encoding = headers.value("content-transfer-encoding");
  const std::string how = encoding ? lower_case(*encoding) : "";
  std::string bytes = raw_unicode_escape(text);
  if (how == "quoted-printable") return quoted_printable(bytes);
  if (how != "base64") return bytes;
  if (auto plain = lenient_base64(bytes, Padding::optional)) return std::move(*plain);
  std::erase_if(bytes, [](char c) { return c == '\r' || c == '\n'; });
  return bytes;
}

class Reader {
 public:
  explicit Reader(std::string_view what) : what_(what) {}

  // `line`: of its delimiter.
  Result<void> read_entity(Lines lines, int line, int depth) {
    const bool is_whole = depth == 0;
    const Headers headers(lines);
    const std::string type = type_of(headers);
    if (depth < deepest && type.starts_with("multipart/"))
      return read_multipart(lines, *headers.value("content-type"), line, depth);
    if (depth < deepest && type.starts_with("message/")) return read_entity(lines, line, depth + 1);
    std::string text = joined(lines);
    if (!is_whole) text.resize(without_end(text).size());
    const auto merge = headers.exactly("Merge-Type");
    parts.push_back({line, type,
                     std::string(merge.empty() ? headers.exactly("X-Merge-Type") : merge),
                     decoded(headers, text)});
    return {};
  }

  std::vector<MimePart> parts;

 private:
  Result<void> read_multipart(Lines lines, std::string_view header, int line, int depth) {
    const auto boundary = parameter(header, "boundary");
    if (!boundary) return refused(line, "expected 'Content-Type: multipart/mixed' with a boundary");
    const std::string delimiter = "--" + *boundary;
    std::optional<std::size_t> start;  // of the part that is open
    const auto end_part = [&](std::size_t end) -> Result<void> {
      if (!start || *start == end) return {};
      return read_entity(lines.subspan(*start, end - *start), lines[*start - 1].number, depth + 1);
    };
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto bare = trimmed(without_end(lines[i].text).substr(0), " \t");
      const bool is_end = bare == delimiter + "--";
      if (!lines[i].text.starts_with("--") || (!is_end && bare != delimiter)) continue;
      if (auto done = end_part(i); !done) return done;
      if (is_end) return {};
      start = i + 1;
    }
    if (depth > 0) return end_part(lines.size());
    return refused(lines.empty() ? line : lines.back().number,
                   "expected MIME's closing delimiter, found the end: the text is cut");
  }
  [[nodiscard]] tl::unexpected<Error> refused(int line, std::string_view problem) const {
    return fail(ErrorKind::invalid, fmt::format("{}: line {}: {}", what_, line, problem));
  }

  std::string_view what_;
};

}  // namespace

bool is_mime(std::string_view text) {
  return lower_case(text.substr(0, 4096)).find("mime-version:") != std::string::npos;
}

Result<std::vector<MimePart>> read_mime_parts(std::string_view what, std::string_view text) {
  const auto lines = lines_of(text);
  Reader reader(what);
  if (auto done = reader.read_entity(lines, 1, 0); !done) return pass(done.error());
  return std::move(reader.parts);
}

}  // namespace muster
