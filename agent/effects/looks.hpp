// The looks of effects.hpp, each at one kind of thing. A new one is a row in effects.cpp, a test
// that breaks what it looks at, and a row in README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "agent/effects/effects.hpp"

namespace muster {

// network_looks.cpp
void look_at_routes(const Sight& sight, Effects& effects);
void look_at_own_pods(const Sight& sight, Effects& effects);
void look_at_masquerade(const Sight& sight, Effects& effects);
void look_at_hosts(const Sight& sight, Effects& effects);
// kernel_looks.cpp
void look_at_kernel(const Sight& sight, Effects& effects);
void look_at_command_line(const Sight& sight, Effects& effects);
void look_at_host_name(const Sight& sight, Effects& effects);
// file_looks.cpp
void look_at_private_files(const Sight& sight, Effects& effects);
void look_at_foreign_configuration(const Sight& sight, Effects& effects);
// unit_looks.cpp
void look_at_unit_files(const Sight& sight, Effects& effects);
void look_at_boot_target(const Sight& sight, Effects& effects);
void look_at_drop_ins(const Sight& sight, Effects& effects);
// Whether the drop-in sets what the unit's own file does, or whether it starts.
[[nodiscard]] bool decides_for_us(const Filesystem& files, const std::string& unit,
                                  const std::string& drop_in);
// monitor_looks.cpp
void look_at_watchers(const Sight& sight, Effects& effects);
void look_at_findings(const Sight& sight, Effects& effects);

// What a monitor found, if it did so lately enough to be believed.
[[nodiscard]] std::optional<nlohmann::json> fresh_finding(const Host& host,
                                                          std::string_view monitor);

[[nodiscard]] const DesiredFile* file_at(const DesiredState& desired, std::string_view path);

// "mode 0644, expected 0600"; empty: as expected.
[[nodiscard]] std::string attributes_difference(const FileStatus& status, std::uint32_t mode,
                                                const std::string& owner);

}  // namespace muster
