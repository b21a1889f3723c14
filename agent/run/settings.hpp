// What the agent knows before it knows anything: whom to trust and where to ask. The kernel command
// line (`muster.pin=`, `muster.server=`) has more to say than /etc/muster/agent.json, that
// more than /etc/muster/metadata.json, and that more than the machine's user-data; each field is
// taken from the first that says it. A place is looked at only while pin or servers are missing,
// and user-data is remembered once it was good, so that a machine with an identity never waits for
// a metadata service again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/run/failure.hpp"
#include "agent/server.hpp"
#include "agent/sources/metadata_service.hpp"
#include "agent/sources/settings_layer.hpp"

namespace muster {

struct Settings {
  std::string site_pin;                      // fingerprint of the site key
  std::vector<std::string> enrol_servers;    // "https://10.77.0.1:8443"
  std::string token;                         // join token; empty: wait for `muster approve`
  std::uint32_t maximum_cache_age_days = 0;  // 0: a cached document never grows too old
  // What a flat metadata document says this machine is; empty without one. The inventory decides,
  // and a machine that was told otherwise is not set up.
  std::string told_node, told_role;
  // Why these are remembered ones, of a machine that was let in by them: what is wrong with those
  // that there are, and the cure.
  std::string damaged = {};
};

struct SettingsPlace {
  std::string name;   // "kernel command line"
  std::string found;  // "sitePin, enrolServers", "absent", "not asked", ...
};

struct SettingsView {
  Settings settings;
  std::map<std::string, std::string> origins;  // field, as in the JSON -> name of its place
  std::vector<SettingsPlace> places;           // in the order of their say
  std::optional<SettingsLayer> asked;          // what user-data said just now
  std::optional<Failure> failure;              // why these settings cannot be used
};

// Looks at the places in order; writes nothing. Every problem of file and command line at once.
// Failures are of class network (no user-data within `patience`) or document (everything else).
[[nodiscard]] SettingsView view_settings(Host& host, Network& network,
                                         const MetadataPatience& patience, const Narrate& narrate);

// The settings of a run. Once the machine has an identity, they are remembered in
// paths::settings_memory (user-data at once), without the token: where they are damaged or gone
// later, it goes by these.
[[nodiscard]] Result<Settings> load_settings(Host& host, Network& network, const Narrate& narrate);

}  // namespace muster
