#include "http/content_encoding.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace muster {
namespace {

std::string compact(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == ' ' || c == '\t') continue;
    made += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return made;
}

// "q=0", "q=0.", "q=0.000"
bool is_refusal(std::string_view parameter) {
  if (!parameter.starts_with("q=0")) return false;
  return parameter.find_first_not_of("0.", 2) == std::string_view::npos;
}

}  // namespace

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const std::string item = compact(accept_encoding.substr(0, comma));
    accept_encoding.remove_prefix(comma == std::string_view::npos ? accept_encoding.size()
                                                                  : comma + 1);
    const auto semicolon = item.find(';');
    if (item.substr(0, semicolon) != coding) continue;
    return semicolon == std::string::npos ||
           !is_refusal(std::string_view(item).substr(semicolon + 1));
  }
  return false;
}

}  // namespace muster
