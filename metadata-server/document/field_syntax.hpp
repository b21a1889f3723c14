// What names, addresses, paths and modes look like: said once for documents, manifests and
// inventory. Pure predicates; thread-safe. Networks: ipv4.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

[[nodiscard]] bool is_dns_label(std::string_view text);  // RFC 1123 label, lower case, at most 63
[[nodiscard]] bool is_dns_name(std::string_view text);   // labels joined by dots, at most 253
[[nodiscard]] bool is_ipv4(std::string_view text);       // dotted, no leading zeros
[[nodiscard]] bool is_ip(std::string_view text);         // IPv4 or IPv6

[[nodiscard]] bool is_mac(std::string_view text);  // "52:54:00:aa:bb:cc", lower case
// Absolute, no empty, "." or ".." part, no control character, not "/".
[[nodiscard]] bool is_absolute_path(std::string_view text);
// The same without the leading slash.
[[nodiscard]] bool is_relative_path(std::string_view text);
[[nodiscard]] bool is_mode(std::string_view text);  // "0640": four octal digits, no set-id bits
// What such a mode says, as a number.
[[nodiscard]] std::uint32_t file_mode(std::string_view text);
[[nodiscard]] bool is_user_name(std::string_view text);  // what useradd accepts
[[nodiscard]] bool is_version(std::string_view text);    // letters, digits, "._+~-", at most 64
// "example.com/name" or "name" as Kubernetes labels have it.
[[nodiscard]] bool is_label_key(std::string_view text);
[[nodiscard]] bool is_label_value(std::string_view text);  // may be empty
// ASCII without blanks, quotes, '$' and backslashes: one word of a kernel's command line.
[[nodiscard]] bool is_kernel_argument(std::string_view text);
[[nodiscard]] bool is_http_url(std::string_view text);  // http:// or https://, a host, no space
[[nodiscard]] bool is_digit(char c);                    // of ASCII, whatever the locale
// ASCII's letters; every other byte stays.
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] bool has_control_characters(std::string_view text);  // below 0x20, or 0x7f

}  // namespace muster
