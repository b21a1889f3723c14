#include "agent/sources/settings_layer.hpp"

#include <sstream>

#include "document/flat_metadata.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

void check_pin(const std::string& where, const std::string& pin, std::vector<Problem>& problems) {
  if (is_digest(pin)) return;
  problems.push_back(
      {where,
       fmt::format(
           "expected the site key's fingerprint, 'sha256:' and 64 hexadecimal digits, found {}; `muster status` prints it on the server",
           in_ticks(pin))});
}

void check_server(const std::string& where, const std::string& url,
                  std::vector<Problem>& problems) {
  if (url.rfind("https://", 0) == 0) return;
  problems.push_back(
      {where, fmt::format("expected a URL that starts with 'https://', found {}", in_ticks(url))});
}

// The parser quotes what it read last, which may be the token.
Error without_quote(Error error) {
  const auto start = error.message.find("; last read: ");
  const auto end = error.message.rfind(" (byte ");
  if (start != std::string::npos && end != std::string::npos && start < end) {
    error.message.erase(start, end - start);
  }
  return error;
}

void read_token(JsonObject& root, std::string& token) {
  const auto* value = root.raw("token", Need::optional);
  if (value == nullptr) return;
  if (value->is_string()) {
    token = value->get<std::string>();
  } else {
    root.problem("token", "expected a string, found something else");
  }
}

void read_settings(JsonObject& root, SettingsLayer& layer, std::vector<Problem>& problems) {
  root.text("sitePin", layer.site_pin, Need::optional);
  root.texts("enrolServers", layer.enrol_servers, Need::optional);
  read_token(root, layer.token);
  root.object(
      "cachePolicy",
      [&](JsonObject& policy) {
        std::uint32_t days = 0;
        policy.number("maxAgeDays", days, Need::optional);
        if (policy.has("maxAgeDays")) layer.maximum_cache_age_days = days;
      },
      Need::optional);
  if (root.has("sitePin")) check_pin(root.where() + "/sitePin", layer.site_pin, problems);
  for (std::size_t i = 0; i < layer.enrol_servers.size(); ++i) {
    check_server(pointer_to(root.where() + "/enrolServers", i), layer.enrol_servers[i], problems);
  }
}

}  // namespace

std::vector<std::string> SettingsLayer::fields() const {
  std::vector<std::string> names;
  if (!site_pin.empty()) names.emplace_back("sitePin");
  if (!enrol_servers.empty()) names.emplace_back("enrolServers");
  if (!token.empty()) names.emplace_back("token");
  if (maximum_cache_age_days) names.emplace_back("cachePolicy");
  if (!told_node.empty()) names.emplace_back("metadata");
  return names;
}

Result<SettingsLayer> parse_settings_layer(std::string_view what, std::string_view text) {
  const auto json = parse_strict_json(what, text, {64u << 10, 8});
  if (!json) return pass(without_quote(json.error()));
  SettingsLayer layer;
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  if (is_flat_metadata(*json)) {
    const auto flat = read_flat_metadata(root);
    layer.told_node = flat.node;
    layer.told_role = name(flat.role);
    root.object(
        "muster", [&](JsonObject& settings) { read_settings(settings, layer, problems); },
        Need::optional);
  } else {
    read_settings(root, layer, problems);
  }
  root.close();
  if (!problems.empty()) return fail(what, problems);
  return layer;
}

Result<SettingsLayer> command_line_layer(std::string_view command_line) {
  SettingsLayer layer;
  std::vector<Problem> problems;
  std::istringstream words{std::string(command_line)};
  for (std::string word; words >> word;) {
    if (word.rfind("muster.pin=", 0) == 0) {
      layer.site_pin = word.substr(11);
      check_pin("muster.pin", layer.site_pin, problems);
    }
    if (word.rfind("muster.server=", 0) == 0) {
      layer.enrol_servers.push_back(word.substr(14));
      check_server("muster.server", layer.enrol_servers.back(), problems);
    }
  }
  if (!problems.empty()) return fail("kernel command line", problems);
  return layer;
}

std::string to_json_without_token(const SettingsLayer& layer) {
  auto json = nlohmann::json::object();
  if (!layer.site_pin.empty()) json["sitePin"] = layer.site_pin;
  if (!layer.enrol_servers.empty()) json["enrolServers"] = layer.enrol_servers;
  if (layer.maximum_cache_age_days) {
    json["cachePolicy"] = {{"maxAgeDays", *layer.maximum_cache_age_days}};
  }
  return canonical_text(json);
}

}  // namespace muster
