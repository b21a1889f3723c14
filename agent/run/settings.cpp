#include "agent/run/settings.hpp"

#include <fmt/ranges.h>

#include "agent/paths.hpp"
#include "agent/sources/user_data.hpp"
#include "document/json_object.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr const char* command_line_name = "kernel command line";
constexpr const char* user_data_name = "user-data";

bool is_complete(const Settings& settings) {
  return !settings.site_pin.empty() && !settings.enrol_servers.empty();
}

// Takes from `layer` what no stronger place has said.
void take(SettingsView& view, const std::string& place, const SettingsLayer& layer) {
  const auto fields = layer.fields();
  const auto found = fields.empty() ? "nothing" : fmt::format("{}", fmt::join(fields, ", "));
  view.places.push_back({place, found});
  Settings& settings = view.settings;
  for (const auto& field : fields) {
    if (!view.origins.emplace(field, place).second) continue;
    if (field == "sitePin") settings.site_pin = layer.site_pin;
    if (field == "enrolServers") settings.enrol_servers = layer.enrol_servers;
    if (field == "token") settings.token = layer.token;
    if (field == "cachePolicy") settings.maximum_cache_age_days = *layer.maximum_cache_age_days;
    if (field == "metadata") {
      settings.told_node = layer.told_node;
      settings.told_role = layer.told_role;
    }
  }
}

void refuse(SettingsView& view, const std::string& place, FailureClass kind, const Error& error) {
  view.places.push_back({place, "refused"});
  if (view.failure) {
    view.failure->error.message += "\n" + error.message;
  } else {
    view.failure = Failure{kind, error};
  }
}

void take_result(SettingsView& view, const std::string& place, const Result<SettingsLayer>& layer) {
  if (layer) {
    take(view, place, *layer);
  } else {
    refuse(view, place, FailureClass::document, layer.error());
  }
}

void look_at_file(SettingsView& view, const Filesystem& files, const char* path) {
  const auto text = files.read(path, 64u << 10);
  if (text) return take_result(view, path, parse_settings_layer(path, *text));
  if (text.error().kind == ErrorKind::not_found) {
    view.places.push_back({path, "absent"});
  } else {
    refuse(view, path, FailureClass::document, text.error());
  }
}

// {"place":"EC2 user-data","settings":{...}}; anything else is no memory.
bool remember_from(SettingsView& view, const Filesystem& files) {
  if (!files.status(paths::identity_certificate)) return false;
  const auto text = files.read(paths::settings_memory, 64u << 10);
  if (!text) return false;
  const auto json = parse_strict_json("memory", *text);
  if (!json || !json->is_object() || !json->contains("settings")) return false;
  const auto layer = parse_settings_layer("memory", canonical_text((*json)["settings"]));
  if (!layer) return false;
  take(view, json->value("place", user_data_name) + std::string(", remembered"), *layer);
  return true;
}

// What is to be remembered, and of which place; nothing: nothing is.
std::optional<std::pair<std::string, SettingsLayer>> memorable(const SettingsView& view,
                                                               const Filesystem& files) {
  if (view.asked) return std::pair(view.places.back().name, *view.asked);
  const auto origin = view.origins.find("sitePin");
  const bool is_remembered =
      origin != view.origins.end() && origin->second.ends_with(", remembered");
  if (origin == view.origins.end() || is_remembered || !files.status(paths::identity_certificate))
    return {};
  const Settings& settings = view.settings;
  SettingsLayer layer{settings.site_pin,  settings.enrol_servers, {}, {},
                      settings.told_node, settings.told_role};
  if (settings.maximum_cache_age_days != 0)
    layer.maximum_cache_age_days = settings.maximum_cache_age_days;
  return std::pair(origin->second, std::move(layer));
}

void ask_for_user_data(SettingsView& view, Host& host, Network& network,
                       const MetadataPatience& patience, const Narrate& narrate) {
  const auto origin = find_user_data(host.files);
  if (!origin) return refuse(view, user_data_name, FailureClass::document, origin.error());
  if (!*origin) {
    view.places.push_back({user_data_name, "no cloud by SMBIOS, no seed"});
    return;
  }
  const std::string place = name(**origin);
  const auto text = fetch_user_data(**origin, host, network, patience, narrate);
  if (!text) {
    const bool is_here = (*origin)->dialect == UserDataDialect::folder;
    return refuse(view, place, is_here ? FailureClass::document : FailureClass::network,
                  text.error());
  }
  auto layer = settings_in_user_data(place, *text);
  take_result(view, place, layer);
  if (layer) view.asked = *layer;
}

Error missing_settings(const SettingsView& view) {
  std::vector<std::string> missing, looked;
  if (view.settings.site_pin.empty()) missing.emplace_back("sitePin (muster.pin=)");
  if (view.settings.enrol_servers.empty()) missing.emplace_back("enrolServers (muster.server=)");
  for (const auto& place : view.places) looked.push_back(place.name + ": " + place.found);
  return {ErrorKind::invalid,
          fmt::format("settings: expected {}, found in none of these places:\n{}",
                      fmt::join(missing, " and "), fmt::join(looked, "\n"))};
}

// A machine must come back without the service that told it.
Result<void> keep(const SettingsView& view, Filesystem& files) {
  const auto kept_ones = memorable(view, files);
  if (!kept_ones) return {};
  auto json = nlohmann::json::object();
  json["place"] = kept_ones->first;
  json["settings"] = nlohmann::json::parse(to_json_without_token(kept_ones->second));
  const std::string text = canonical_text(json);
  if (const auto kept = files.read(paths::settings_memory); kept && *kept == text) return {};
  if (auto made = files.make_directory(paths::state, paths::state_mode); !made) return made;
  return files.write(paths::settings_memory, text, 0600);
}

}  // namespace

SettingsView view_settings(Host& host, Network& network, const MetadataPatience& patience,
                           const Narrate& narrate) {
  SettingsView view;
  const auto command_line = host.files.read("/proc/cmdline");
  take_result(view, command_line_name, command_line_layer(command_line ? *command_line : ""));
  look_at_file(view, host.files, paths::settings);
  if (!is_complete(view.settings)) look_at_file(view, host.files, paths::metadata);
  if (view.failure) return view;
  if (is_complete(view.settings)) {
    view.places.push_back({user_data_name, "not asked"});
    return view;
  }
  if (remember_from(view, host.files) && is_complete(view.settings)) return view;
  ask_for_user_data(view, host, network, patience, narrate);
  if (!view.failure && !is_complete(view.settings)) {
    view.failure = Failure{FailureClass::document, missing_settings(view)};
  }
  return view;
}

Result<Settings> load_settings(Host& host, Network& network, const Narrate& narrate) {
  const auto view = view_settings(host, network, {}, narrate);
  if (view.failure) {
    const auto& error = view.failure->error;
    SettingsView memory;
    if (remember_from(memory, host.files) && is_complete(memory.settings)) {
      memory.settings.damaged = fmt::format("{}; this machine goes on by those that let it in ({})",
                                            error.message, paths::settings_memory);
      return memory.settings;
    }
    return fail(error.kind, fmt::format("{}: {}", name(view.failure->kind), error.message));
  }
  // On a full disk they are there all the same.
  if (auto kept = keep(view, host.files); !kept) narrate(kept.error().message);
  return view.settings;
}

}  // namespace muster
