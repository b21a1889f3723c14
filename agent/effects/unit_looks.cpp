#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "agent/effects/looks.hpp"
#include "agent/effects/unit_files.hpp"

namespace muster {
namespace {

constexpr std::array packaged = {"/usr/lib/systemd/system/", "/lib/systemd/system/"};
// What the units hand to the programs; a drop-in that sets one of them decides in Muster's place.
constexpr std::array<std::string_view, 3> our_variables = {"ARGS", "REGISTRATION", "PATH"};
// systemd.exec(5): another line adds to them, an empty one takes away.
constexpr std::array<std::string_view, 6> lists = {
    "Environment",      "EnvironmentFile",         "ReadWritePaths",
    "SystemCallFilter", "RestrictAddressFamilies", "CapabilityBoundingSet"};

template <class List>
bool is_in(const List& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

struct Setting {
  std::string key, value;
};

std::string without_spaces(const std::string& text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == std::string::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") + 1 - from);
}

// Of one section: "[Service]".
std::vector<Setting> settings_of(const std::string& text, std::string_view section) {
  std::vector<Setting> settings;
  std::istringstream lines(text);
  bool is_it = false, goes_on = false;
  for (std::string raw; std::getline(lines, raw);) {
    const std::string line = without_spaces(raw);
    if (!goes_on && (line.empty() || line[0] == '#' || line[0] == ';')) continue;
    const bool is_continued = goes_on;
    goes_on = !line.empty() && line.back() == '\\';
    if (is_continued) continue;
    if (line[0] == '[') is_it = line == section;
    const auto equals = line.find('=');
    if (is_it && equals != std::string::npos) {
      settings.push_back(
          {without_spaces(line.substr(0, equals)), without_spaces(line.substr(equals + 1))});
    }
  }
  return settings;
}

bool names_our_variable(const Filesystem& files, const Setting& setting) {
  std::string text = setting.value;
  if (setting.key == "EnvironmentFile") {
    const auto read = files.read(text.substr(text[0] == '-' ? 1 : 0), 1u << 20);
    text = read ? *read : std::string();
  }
  std::replace(text.begin(), text.end(), '"', ' ');
  std::replace(text.begin(), text.end(), '\'', ' ');
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals != std::string::npos && is_in(our_variables, word.substr(0, equals))) return true;
  }
  return false;
}

// What of `ours` the drop-in decides anew.
std::set<std::string> settings_replaced_by(const Filesystem& files, const std::string& drop_in,
                                           std::string_view ours) {
  std::set<std::string> known, replaced;
  for (const auto& setting : settings_of(std::string(ours), "[Service]")) known.insert(setting.key);
  const auto read = files.read(drop_in, 1u << 20);
  const std::string text = read ? *read : std::string();
  // Whether it starts at all: a unit that is skipped is no failure to systemd.
  for (const auto& setting : settings_of(text, "[Unit]")) {
    const bool decides =
        setting.key.rfind("Condition", 0) == 0 || setting.key.rfind("Assert", 0) == 0;
    if (decides && !setting.value.empty()) replaced.insert(setting.key);
  }
  for (const auto& setting : settings_of(text, "[Service]")) {
    const bool adds = is_in(lists, setting.key) && !setting.value.empty();
    const bool is_environment = setting.key.rfind("Environment", 0) == 0;
    if (adds && !(is_environment && names_our_variable(files, setting))) continue;
    if (known.count(setting.key) > 0 || (adds && is_environment)) replaced.insert(setting.key);
  }
  return replaced;
}

std::string packaged_at(const Filesystem& files, const std::string& unit) {
  for (const auto* folder : packaged) {
    if (files.status(folder + unit)) return folder + unit;
  }
  return {};
}

// Where the others of ours lie: systemd knows no place of one that it does not find.
std::string folder_of_units(const Sight& sight) {
  for (const auto& [unit, status] : sight.units) {
    const auto slash = status.fragment.find_last_of('/');
    if (slash != std::string::npos && !unit_file(unit).empty())
      return status.fragment.substr(0, slash + 1);
  }
  return packaged.front();
}

void look_at_unit_file(const Sight& sight, const std::string& unit, const UnitStatus& status,
                       std::string_view ours, Effects& effects) {
  const Filesystem& files = sight.host.files;
  if (status.load_state == "masked") {
    return effects.tell(
        "unit " + unit,
        fmt::format("masked: it cannot start again; run: systemctl unmask {}", unit));
  }
  // systemd forgets the file of a unit that runs, too, once it is gone and somebody reloads.
  const bool is_lost = status.fragment.empty() && status.load_state == "not-found";
  const std::string path = is_lost ? folder_of_units(sight) + unit : status.fragment;
  if (path.empty()) return;
  const auto text = files.read(path, 1u << 20);
  if (text && *text == ours) return;
  const std::string ours_at = packaged_at(files, unit);
  const bool is_in_its_place = std::any_of(
      packaged.begin(), packaged.end(), [&](const char* folder) { return path == folder + unit; });
  if (!is_in_its_place && !ours_at.empty()) {
    return effects.tell(
        "unit " + unit,
        fmt::format(
            "{} stands in the place of {}; keep what you need of it as a drop-in, remove it, then run: systemctl daemon-reload",
            path, ours_at));
  }
  effects.corrections.push_back({CorrectFile{path, "root", 0644, std::string(ours)}, Cost::none,
                                 text ? "content differs" : "missing"});
}

}  // namespace

bool decides_for_us(const Filesystem& files, const std::string& unit, const std::string& drop_in) {
  const auto ours = unit_file(unit);
  return !ours.empty() && !settings_replaced_by(files, drop_in, ours).empty();
}

// A unit that runs goes on as it is; the file is what its next start goes by.
void look_at_unit_files(const Sight& sight, Effects& effects) {
  for (const auto& [unit, status] : sight.units) {
    const auto ours = unit_file(unit);
    if (!ours.empty()) look_at_unit_file(sight, unit, status, ours, effects);
  }
}

// What a boot starts with. Whoever takes it out may mean it, and hears what it means.
void look_at_boot_target(const Sight& sight, Effects& effects) {
  constexpr std::array folders = {"/etc/systemd/system/", "/usr/lib/systemd/system/",
                                  "/lib/systemd/system/"};
  const auto is_in_one = [&](const std::string& name) {
    return std::any_of(folders.begin(), folders.end(), [&](const char* folder) {
      return sight.host.files.status(folder + name).has_value();
    });
  };
  const std::string target = "muster.target";
  if (!is_in_one(target) || is_in_one("multi-user.target.wants/" + target)) return;
  effects.tell(
      "unit " + target,
      "disabled: the next boot starts nothing of this machine; run: systemctl enable " + target);
}

// A drop-in is the way in which a person adds to a unit, and no finding as long as it adds.
void look_at_drop_ins(const Sight& sight, Effects& effects) {
  for (const auto& [unit, status] : sight.units) {
    const auto ours = unit_file(unit);
    for (const auto& path : ours.empty() ? std::vector<std::string>() : status.drop_ins) {
      const auto replaced = settings_replaced_by(sight.host.files, path, ours);
      if (replaced.empty()) continue;
      effects.tell(
          "drop-in " + path,
          fmt::format(
              "it decides {0} of {1} in Muster's place; put that into the inventory, take it out there, then run: systemctl daemon-reload, and in this machine's turn: systemctl restart {1}",
              fmt::join(replaced, ", "), unit));
    }
  }
}

}  // namespace muster
