#include "inventory/url_credentials.hpp"

#include <algorithm>

namespace muster {

namespace {

constexpr std::string_view scheme_end = "://";

struct Authority {
  std::size_t start = std::string_view::npos;  // npos: no further URL
  std::string_view text;
};

Authority next_authority(std::string_view text, std::size_t from) {
  const std::size_t found = text.find(scheme_end, from);
  if (found == std::string_view::npos) return {};
  const std::size_t start = found + scheme_end.size();
  const std::size_t end = text.find_first_of("/?# \t\r\n\"'", start);
  return {start, text.substr(start, end == std::string_view::npos ? end : end - start)};
}

bool is_placeholder(std::string_view text) {
  return text.empty() || text.find_first_of("${<%*") != std::string_view::npos;
}

}  // namespace

bool url_names_user(std::string_view url) {
  return next_authority(url, 0).text.find('@') != std::string_view::npos;
}

bool holds_url_password(std::string_view text) {
  for (Authority at = next_authority(text, 0); at.start != std::string_view::npos;
       at = next_authority(text, at.start)) {
    const std::size_t end = at.text.rfind('@');
    if (end == std::string_view::npos) continue;
    const std::string_view user = at.text.substr(0, end);
    const std::size_t colon = user.find(':');
    if (colon != std::string_view::npos && !is_placeholder(user.substr(colon + 1))) return true;
  }
  return false;
}

std::string without_url_users(std::string whole) {
  if (whole.find("://") == std::string::npos) return whole;  // nearly all
  const std::string_view text = whole;
  constexpr std::string_view cut = "...";
  std::string shown;
  std::size_t done = 0;
  for (Authority at = next_authority(text, 0); at.start != std::string_view::npos;
       at = next_authority(text, at.start)) {
    std::size_t end = at.text.rfind('@');
    // A password may hold a '/'; one that is cut shows no '@' any more.
    if (end == std::string_view::npos) {
      const std::size_t later = text.find_first_of("@ \t\r\n\"", at.start);
      if (later != std::string_view::npos && text[later] == '@')
        end = later - at.start;
      else if (at.text.ends_with(cut) && at.text.find(':') != std::string_view::npos)
        end = at.text.size() - cut.size();
    }
    if (end == std::string_view::npos) continue;
    shown.append(text.substr(done, at.start - done)).append(cut);
    done = at.start + end;
  }
  return shown.append(text.substr(done));
}

}  // namespace muster
