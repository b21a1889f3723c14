// What one place says of the agent's settings: a file, user-data, the kernel command line. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct SettingsLayer {
  std::string site_pin;                    // empty: this place does not say
  std::vector<std::string> enrol_servers;  // likewise
  std::string token;                       // likewise
  std::optional<std::uint32_t> maximum_cache_age_days;
  std::string told_node, told_role;  // what a flat metadata document says this machine is

  // The JSON names of what it says, in the order above.
  [[nodiscard]] std::vector<std::string> fields() const;
};

// {"sitePin"?,"enrolServers"?:[..],"token"?,"cachePolicy"?:{"maxAgeDays":0}}, or a flat metadata
// document (document/flat_metadata.hpp) with such an object as "muster". Every problem at once; an
// unknown field is one. `what` names the place. No message has the token or text around it.
[[nodiscard]] Result<SettingsLayer> parse_settings_layer(std::string_view what,
                                                         std::string_view json);
// `muster.pin=` and any number of `muster.server=`. No token: every process may read this line.
[[nodiscard]] Result<SettingsLayer> command_line_layer(std::string_view command_line);

// What parse_settings_layer reads, without the token.
[[nodiscard]] std::string to_json_without_token(const SettingsLayer& layer);

}  // namespace muster
