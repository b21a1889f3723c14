#include "agent/effects/effects.hpp"

#include <algorithm>
#include <array>

#include "agent/effects/looks.hpp"
#include "agent/run/full_disks.hpp"

namespace muster {
namespace {

constexpr std::size_t named_at_most = 3;

// A poll without news writes nothing that could fail.
void look_at_disks(const Sight& sight, Effects& effects) {
  const std::string full = full_disks(sight.host.files, 1);
  if (!full.empty()) effects.tell("disk", fmt::format("no room on the file system of {}", full));
}

constexpr std::array looks{look_at_routes,        look_at_own_pods,
                           look_at_masquerade,    look_at_hosts,
                           look_at_kernel,        look_at_command_line,
                           look_at_host_name,     look_at_disks,
                           look_at_private_files, look_at_foreign_configuration,
                           look_at_unit_files,    look_at_boot_target,
                           look_at_drop_ins,      look_at_watchers,
                           look_at_findings};

}  // namespace

Effects observe_effects(const Sight& sight) {
  Effects effects;
  for (const auto look : looks) look(sight, effects);
  return effects;
}

const DesiredFile* file_at(const DesiredState& desired, std::string_view path) {
  const auto found = std::find_if(desired.files.begin(), desired.files.end(),
                                  [&](const DesiredFile& file) { return file.path == path; });
  return found == desired.files.end() ? nullptr : &*found;
}

std::string in_short(const std::vector<std::string>& reasons) {
  std::string text;
  for (std::size_t i = 0; i < std::min(reasons.size(), named_at_most); ++i) {
    text += (i == 0 ? "" : ", ") + reasons[i];
  }
  if (reasons.size() > named_at_most) {
    text += fmt::format(" and {} more", reasons.size() - named_at_most);
  }
  return text;
}

}  // namespace muster
