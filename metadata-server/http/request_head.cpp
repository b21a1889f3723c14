#include "http/request_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

tl::unexpected<HeadRefusal> refuse(int status, std::string message) {
  return tl::unexpected<HeadRefusal>(HeadRefusal{status, std::move(message)});
}

// RFC 9110 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_printable(std::string_view text, std::string_view also) {
  return std::all_of(text.begin(), text.end(), [also](char c) {
    return (c > 0x20 && c < 0x7f) || also.find(c) != std::string_view::npos;
  });
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return a.size() == lower.size() && lower_case(a) == lower;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// RFC 9110 7.6.1: a list.
bool has_option(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (equals_ignoring_case(trim(list.substr(0, comma)), wanted)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

tl::expected<void, HeadRefusal> read_request_line(std::string_view line, const HeadLimits& limits,
                                                  RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse(400, "request line: expected METHOD TARGET HTTP/1.1");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 16)
    return refuse(400, "request line: the method is no token");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refuse(505, "request line: expected HTTP/1.1 or HTTP/1.0");
  }
  if (target.size() > limits.target) {
    return refuse(414, fmt::format("request line: expected a target of at most {} bytes, found {}",
                                   limits.target, target.size()));
  }
  if (!target.starts_with('/') || !is_printable(target, "") ||
      target.find('#') != std::string_view::npos) {
    return refuse(
        400,
        "request line: expected a path of printable ASCII that begins with '/', a blank written as %20");
  }
  const auto question = target.find('?');
  head.method = std::string(method);
  head.path = std::string(target.substr(0, question));
  if (question != std::string_view::npos) head.query = std::string(target.substr(question + 1));
  head.keep_alive = version == "HTTP/1.1";
  return {};
}

struct Seen {
  bool host = false, length = false;
};

tl::expected<void, HeadRefusal> read_header(std::string_view line, RequestHead& head, Seen& seen) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return refuse(400, "header: expected 'Name: value' without folding or space before the colon");
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_printable(value, " \t"))
    return refuse(400, "header: expected a value of printable ASCII");
  std::string& known = head.headers[lower_case(name)];
  known.append(known.empty() ? "" : ", ").append(value);
  if (equals_ignoring_case(name, "host")) {
    if (seen.host) return refuse(400, "header Host: expected one, found two");
    seen.host = true;
  } else if (equals_ignoring_case(name, "content-length")) {
    if (seen.length) return refuse(400, "header Content-Length: expected one, found two");
    seen.length = true;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), head.content_length);
    if (value.empty() || error != std::errc() || end != value.data() + value.size()) {
      return refuse(400, "header Content-Length: expected a number of bytes");
    }
  } else if (equals_ignoring_case(name, "transfer-encoding")) {
    return refuse(411,
                  "header Transfer-Encoding: not taken here; send the body with Content-Length");
  } else if (equals_ignoring_case(name, "expect")) {
    if (!equals_ignoring_case(value, "100-continue")) {
      return refuse(417, "header Expect: expected 100-continue");
    }
    head.expects_continue = true;
  } else if (equals_ignoring_case(name, "connection")) {
    if (has_option(value, "close")) head.keep_alive = false;
  }
  return {};
}

}  // namespace

tl::expected<std::size_t, HeadRefusal> find_head(std::string_view input, const HeadLimits& limits) {
  const auto end = input.substr(0, limits.size).find("\r\n\r\n");
  if (end != std::string_view::npos) return end + 4;
  if (input.size() < limits.size) return std::size_t{0};
  return refuse(431,
                fmt::format("headers: expected at most {} bytes in all, found more", limits.size));
}

tl::expected<RequestHead, HeadRefusal> parse_head(std::string_view head, const HeadLimits& limits) {
  RequestHead parsed;
  Seen seen;
  std::size_t lines = 0;
  head.remove_suffix(2);  // the blank line; every other line still ends with CRLF
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.size() > limits.line) {
      return refuse(431, fmt::format("header: expected at most {} bytes in a line, found {}",
                                     limits.line, line.size()));
    }
    if (lines > limits.headers) {
      return refuse(431, fmt::format("headers: expected at most {}, found more", limits.headers));
    }
    const auto read =
        lines++ == 0 ? read_request_line(line, limits, parsed) : read_header(line, parsed, seen);
    if (!read) return tl::unexpected<HeadRefusal>(read.error());
  }
  if (!seen.host && parsed.keep_alive) return refuse(400, "header Host: expected one, found none");
  return parsed;
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

}  // namespace

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto name = decoded(pair.substr(0, equals));
    const auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) {
      return fail(ErrorKind::invalid,
                  "query: expected two hexadecimal digits after each '%', found others");
    }
    if (!parameters.emplace(*name, *value).second)
      return fail(ErrorKind::invalid, "query: a parameter is given twice");
  }
  return parameters;
}

}  // namespace muster
