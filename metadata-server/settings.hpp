// What muster-server is told: /etc/muster/server.json. Strict: every problem at once, unknown
// fields refused, a default for all but the addresses that machines reach.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "boot/metadata_tokens.hpp"
#include "document/trust_list.hpp"
#include "http/listener_settings.hpp"
#include "records/audit_archive.hpp"
#include "result/result.hpp"

namespace muster {

struct Settings {
  std::string state_directory = "/var/lib/muster-server";
  // Of the key that seals CA keys and secrets; empty: the systemd credential "sealing-key" where
  // there is one, else "sealing-key" in the state directory.
  std::string sealing_key;
  std::string admin_group = "muster";
  std::vector<std::string> advertise;  // addresses or names of this server, as machines reach it
  std::string log_level = "info";      // trace debug info warn error
  // Of a machine's identity certificate, which it renews at half of it.
  std::chrono::minutes identity_lifetime = std::chrono::hours(72);
  std::string aws_certificates;  // folder of REGION.pem (enrolment/pinned_regions); empty: none
  // How long a removed member's name, address and pod network wait: longer than caches of them
  // live.
  std::chrono::minutes member_quarantine{15};
  TokenPolicy metadata_tokens = TokenPolicy::optional;
  // No machine of a cluster is let in before the cluster's CA keys are in a backup that is kept.
  bool requires_backup = false;
  // Run when a cluster on demand is about to end (fleet/expiry_hook); empty: none.
  std::string expiry_hook;
  AuditPolicy audit;
  std::string text;  // as it was read: it goes into backups
  ListenerSettings boot, enrol, node, admin, scrape;
};

// {"advertise": ["10.77.0.1"], ...}: README.md, "Settings", has every field.
[[nodiscard]] Result<Settings> parse_settings(std::string_view json);
[[nodiscard]] Result<Settings> load_settings(const std::string& path);

// The server's addresses as the trust list names them: every advertised host with the port of each
// listener.
[[nodiscard]] ServerAddresses server_addresses(const Settings& settings);
[[nodiscard]] std::string sealing_key_path(const Settings& settings);
[[nodiscard]] std::string database_path(const Settings& settings);
[[nodiscard]] std::string artifacts_path(const Settings& settings);
[[nodiscard]] std::string audit_path(const Settings& settings);  // the folder of older rows
[[nodiscard]] std::string mark_path(const Settings& settings);   // backup/store_mark

}  // namespace muster
