#include "agent/settings.hpp"

#include <sstream>

#include "agent/paths.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

void override_from(std::string_view command_line, Settings& settings) {
  std::istringstream words{std::string(command_line)};
  bool first_server = true;
  for (std::string word; words >> word;) {
    if (word.rfind("muster.pin=", 0) == 0) settings.site_pin = word.substr(11);
    if (word.rfind("muster.server=", 0) == 0) {
      if (first_server) settings.enrol_servers.clear();
      first_server = false;
      settings.enrol_servers.push_back(word.substr(14));
    }
  }
}

void check(const Settings& settings, std::vector<Problem>& problems) {
  if (!is_digest(settings.site_pin)) {
    problems.push_back(
        {"/sitePin", fmt::format("expected the site key's fingerprint, 'sha256:' and 64 "
                                 "hexadecimal digits, found {}; `muster status` prints it on "
                                 "the server",
                                 in_ticks(settings.site_pin))});
  }
  if (settings.enrol_servers.empty()) {
    problems.push_back({"/enrolServers", "expected at least one URL, found none"});
  }
  for (std::size_t i = 0; i < settings.enrol_servers.size(); ++i) {
    if (settings.enrol_servers[i].rfind("https://", 0) != 0) {
      problems.push_back({pointer_to("/enrolServers", i),
                          fmt::format("expected a URL that starts with 'https://', found {}",
                                      in_ticks(settings.enrol_servers[i]))});
    }
  }
}

}  // namespace

Result<Settings> parse_settings(std::string_view text, std::string_view command_line) {
  const auto json = parse_strict_json(paths::settings, text);
  if (!json) return pass(json.error());
  Settings settings;
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  root.text("sitePin", settings.site_pin, Need::optional);
  root.texts("enrolServers", settings.enrol_servers, Need::optional);
  root.text("token", settings.token, Need::optional);
  root.object(
      "cachePolicy",
      [&](JsonObject& policy) {
        policy.number("maxAgeDays", settings.maximum_cache_age_days, Need::optional);
      },
      Need::optional);
  root.close();
  override_from(command_line, settings);
  check(settings, problems);
  if (!problems.empty()) return fail(paths::settings, problems);
  return settings;
}

Result<Settings> load_settings(const Filesystem& files) {
  auto text = files.read(paths::settings);
  if (!text && text.error().kind != ErrorKind::not_found) return pass(text.error());
  const auto command_line = files.read("/proc/cmdline");
  return parse_settings(text ? *text : "{}", command_line ? *command_line : "");
}

}  // namespace muster
