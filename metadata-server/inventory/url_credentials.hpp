// User names and passwords in URLs (https://USER:PASSWORD@HOST): what is found is refused, and
// never shown. Pure, linear in the text.
#pragma once

#include <string>
#include <string_view>

namespace muster {

// In a text that is one URL: any user at all.
[[nodiscard]] bool url_names_user(std::string_view url);
// In free text: a URL with a password. Placeholders ($(PASSWORD), {{password}}, <password>) are
// none.
[[nodiscard]] bool holds_url_password(std::string_view text);
// The text with '...' for every user and password before an '@', also where the text was cut there.
[[nodiscard]] std::string without_url_users(std::string whole);

}  // namespace muster
