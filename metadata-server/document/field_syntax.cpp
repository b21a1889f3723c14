#include "document/field_syntax.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "document/ipv4.hpp"

namespace muster {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_letter(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

// `part` is called for each piece between separators; all must be true.
template <class Part>
bool all_parts(std::string_view text, char separator, Part part) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!part(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

// The name half of a label key, and a non-empty label value.
bool is_qualified_name(std::string_view text) {
  const auto edge = [](char c) { return is_letter(c) || is_digit(c); };
  return !text.empty() && text.size() <= 63 && edge(text.front()) && edge(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return edge(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

bool is_dns_label(std::string_view text) {
  const auto edge = [](char c) { return is_lower(c) || is_digit(c); };
  return !text.empty() && text.size() <= 63 && edge(text.front()) && edge(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return edge(c) || c == '-'; });
}

bool is_dns_name(std::string_view text) {
  return text.size() <= 253 && all_parts(text, '.', is_dns_label);
}

bool is_ipv4(std::string_view text) {
  return ipv4_value(text).has_value();
}

bool is_ip(std::string_view text) {
  in6_addr address{};
  if (is_ipv4(text)) return true;
  return text.find('\0') == std::string_view::npos &&
         inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_mac(std::string_view text) {
  return text.size() == 17 && all_parts(text, ':', [](std::string_view part) {
           return part.size() == 2 && is_hex(part[0]) && is_hex(part[1]);
         });
}

bool is_relative_path(std::string_view text) {
  return text.size() <= 1024 && !has_control_characters(text) &&
         all_parts(text, '/', [](std::string_view part) {
           return !part.empty() && part != "." && part != ".." && part.size() <= 255;
         });
}

bool is_absolute_path(std::string_view text) {
  return !text.empty() && text.front() == '/' && is_relative_path(text.substr(1));
}

bool is_kernel_argument(std::string_view text) {
  constexpr std::size_t longest = 4096;
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c <= '~' &&
                  std::string_view("\"'\\$").find(c) == std::string_view::npos;
         });
}

bool is_mode(std::string_view text) {
  return text.size() == 4 && text[0] == '0' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
}

std::uint32_t file_mode(std::string_view text) {
  std::uint32_t mode = 0;
  std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  return mode;
}

std::string lower_case(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

bool is_user_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && (is_lower(text[0]) || text[0] == '_') &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; });
}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 64 && (is_letter(text[0]) || is_digit(text[0])) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter(c) || is_digit(c) ||
                  std::string_view("._+~-").find(c) != std::string_view::npos;
         });
}

bool is_label_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_qualified_name(text);
  return is_dns_name(text.substr(0, slash)) && is_qualified_name(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) {
  return text.empty() || is_qualified_name(text);
}

bool is_http_url(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.substr(0, scheme.size()) != scheme) continue;
    const std::string_view rest = text.substr(scheme.size());
    return !rest.empty() && rest.front() != '/' && text.size() <= 1024 &&
           !has_control_characters(text) &&
           rest.find_first_of(" \"'<>\\") == std::string_view::npos;
  }
  return false;
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

}  // namespace muster
