#include "agent/run/settings_text.hpp"

#include <fmt/ranges.h>

namespace muster {
namespace {

// In the order of the file's format.
std::vector<std::pair<std::string, std::string>> shown_values(const Settings& settings) {
  return {{"sitePin", settings.site_pin},
          {"enrolServers", fmt::format("{}", fmt::join(settings.enrol_servers, " "))},
          {"token", settings.token.empty() ? "" : "set"},
          {"cachePolicy", fmt::format("maxAgeDays {}", settings.maximum_cache_age_days)},
          {"metadata", fmt::format("{} as {}", settings.told_node, settings.told_role)}};
}

}  // namespace

std::string settings_text(const SettingsView& view) {
  std::string text;
  for (const auto& [field, value] : shown_values(view.settings)) {
    const auto origin = view.origins.find(field);
    if (field == "metadata" && origin == view.origins.end()) continue;  // few sites have one
    text += origin == view.origins.end()
                ? fmt::format("{:<12} none\n", field)
                : fmt::format("{:<12} {} ({})\n", field, value, origin->second);
  }
  for (const auto& place : view.places) {
    text += fmt::format("looked at    {}: {}\n", place.name, place.found);
  }
  if (view.failure) {
    text +=
        fmt::format("settings     {}: {}\n", name(view.failure->kind), view.failure->error.message);
  }
  return text;
}

nlohmann::json settings_json(const SettingsView& view) {
  auto json = nlohmann::json::object();
  json["fields"] = nlohmann::json::object();
  for (const auto& [field, value] : shown_values(view.settings)) {
    const auto origin = view.origins.find(field);
    if (origin == view.origins.end()) continue;
    json["fields"][field] = {{"value", value}, {"from", origin->second}};
  }
  json["places"] = nlohmann::json::array();
  for (const auto& place : view.places) {
    json["places"].push_back({{"name", place.name}, {"found", place.found}});
  }
  if (view.failure) {
    json["failure"] = {{"class", name(view.failure->kind)},
                       {"message", view.failure->error.message}};
  }
  return json;
}

}  // namespace muster
