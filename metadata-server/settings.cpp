#include "settings.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "document/json_object.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

Settings defaults() {
  Settings settings;
  settings.boot.kind = ListenerKind::boot;
  settings.boot.address = "0.0.0.0:8080";
  settings.boot.requests_per_connection = 1000;  // an agent downloads many small artifacts in a row
  settings.boot.deadlines.idle = milliseconds(5000);

  settings.enrol.kind = ListenerKind::enrol;
  settings.enrol.address = "0.0.0.0:8443";
  settings.enrol.tls = true;
  // Of whoever comes while all are taken, this many wait before him; more would only wait longer,
  // and the handshake of one that is answered 503 behind it is lost.
  settings.enrol.connections = 512;
  settings.enrol.queued_requests = 512;
  settings.enrol.connections_per_source = 16;
  // A nonce and the proof with it: each connection costs a handshake.
  settings.enrol.requests_per_connection = 2;
  settings.enrol.deadlines.idle = milliseconds(5000);

  settings.node.kind = ListenerKind::node;
  settings.node.address = "0.0.0.0:8444";
  settings.node.tls = true;
  settings.node.connections = 16384;
  settings.node.connections_per_source = 256;
  settings.node.operator_workers = 2;

  settings.admin.kind = ListenerKind::admin;
  settings.admin.address = "unix:/run/muster/admin.sock";
  settings.admin.connections = 64;
  settings.admin.connections_per_source = 0;
  settings.admin.event_threads = 1;
  settings.admin.workers = 2;

  settings.scrape.kind = ListenerKind::scrape;
  settings.scrape.address = "127.0.0.1:9180";
  settings.scrape.connections = 64;
  settings.scrape.event_threads = 1;
  settings.scrape.workers = 1;
  return settings;
}

void read_listener(JsonObject& root, std::string_view field, ListenerSettings& listener) {
  root.object(
      field,
      [&](JsonObject& object) {
        object.text("listen", listener.address, Need::optional);
        object.number("connections", listener.connections, Need::optional);
        object.number("connectionsPerSource", listener.connections_per_source, Need::optional);
        object.number("threads", listener.event_threads, Need::optional);
        object.number("workers", listener.workers, Need::optional);
        if (listener.address.find(':') == std::string::npos ||
            listener.address.starts_with("unix:")) {
          object.problem("listen", "expected ADDRESS:PORT, found " + in_ticks(listener.address));
        }
        if (listener.event_threads == 0 || listener.event_threads > 64) {
          object.problem("threads",
                         fmt::format("expected 1 to 64, found {}", listener.event_threads));
        }
        if (listener.workers == 0 || listener.workers > 256) {
          object.problem("workers", fmt::format("expected 1 to 256, found {}", listener.workers));
        }
        if (listener.connections == 0)
          object.problem("connections", "expected at least 1, found 0");
      },
      Need::optional);
}

void read_audit(JsonObject& root, AuditPolicy& audit) {
  constexpr std::int64_t longest = 3650;  // days
  const auto days = [&](JsonObject& object, std::string_view field, std::chrono::hours& target) {
    std::int64_t count = target.count() / 24;
    object.number(field, count, Need::optional);
    if (count < 1 || count > longest)
      object.problem(field, fmt::format("expected 1 to {} days, found {}", longest, count));
    target = std::chrono::hours(24 * std::clamp<std::int64_t>(count, 1, longest));
  };
  root.object(
      "audit",
      [&](JsonObject& object) {
        days(object, "daysInStore", audit.in_store);
        days(object, "daysInFiles", audit.in_files);
        object.number("rowsInStore", audit.rows_in_store, Need::optional);
        if (audit.rows_in_store < 100)
          object.problem("rowsInStore",
                         fmt::format("expected at least 100, found {}", audit.rows_in_store));
      },
      Need::optional);
}

void check(const Settings& settings, JsonObject& root) {
  if (settings.advertise.empty()) {
    root.problem(
        "advertise",
        "expected at least one address or name under which machines reach this server, found none");
  }
  for (const auto& host : settings.advertise) {
    if (host.empty() || host.find_first_of("/ []@") != std::string::npos) {
      root.problem("advertise",
                   "expected addresses or names without port, found " + in_ticks(host));
    }
  }
  if (!settings.state_directory.starts_with('/')) {
    root.problem("stateDirectory",
                 "expected an absolute path, found " + in_ticks(settings.state_directory));
  }
  if (!settings.expiry_hook.empty() && !settings.expiry_hook.starts_with('/')) {
    root.problem("expiryHook",
                 "expected an absolute path of a program, found " + in_ticks(settings.expiry_hook));
  }
  // Machines ask about every minute: two tries must fit into the second half.
  if (const auto minutes = settings.identity_lifetime.count(); minutes < 4 || minutes > 129600) {
    root.problem("identityLifetimeMinutes",
                 fmt::format("expected 4 to 129600 (90 days), found {}", minutes));
  }
  if (const auto minutes = settings.member_quarantine.count(); minutes < 1 || minutes > 1440) {
    root.problem("memberQuarantineMinutes",
                 fmt::format("expected 1 to 1440 (a day), found {}", minutes));
  }
  constexpr std::array levels{"trace", "debug", "info", "warn", "error"};
  if (std::find(levels.begin(), levels.end(), settings.log_level) == levels.end()) {
    root.problem("logLevel", "expected trace, debug, info, warn or error, found " +
                                 in_ticks(settings.log_level));
  }
}

std::string port_of(const ListenerSettings& listener) {
  return listener.address.substr(listener.address.rfind(':') + 1);
}

}  // namespace

Result<Settings> parse_settings(std::string_view text) {
  const auto json = parse_strict_json("settings", text, {64u << 10, 8});
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  Settings settings = defaults();
  JsonObject root(*json, "", problems);
  root.text("stateDirectory", settings.state_directory, Need::optional);
  root.text("sealingKey", settings.sealing_key, Need::optional);
  root.text("adminGroup", settings.admin_group, Need::optional);
  root.texts("advertise", settings.advertise, Need::optional);
  root.text("logLevel", settings.log_level, Need::optional);
  auto identity_minutes = static_cast<std::uint32_t>(settings.identity_lifetime.count());
  root.number("identityLifetimeMinutes", identity_minutes, Need::optional);
  settings.identity_lifetime = std::chrono::minutes(identity_minutes);
  root.text("awsCertificates", settings.aws_certificates, Need::optional);
  if (!settings.aws_certificates.empty() && !settings.aws_certificates.starts_with('/')) {
    root.problem("awsCertificates",
                 "expected an absolute path, found " + in_ticks(settings.aws_certificates));
  }
  root.text("expiryHook", settings.expiry_hook, Need::optional);
  read_audit(root, settings.audit);
  auto quarantine_minutes = static_cast<std::uint32_t>(settings.member_quarantine.count());
  root.number("memberQuarantineMinutes", quarantine_minutes, Need::optional);
  settings.member_quarantine = std::chrono::minutes(quarantine_minutes);
  std::string tokens = "optional";
  root.text("metadataTokens", tokens, Need::optional);
  if (tokens == "required") {
    settings.metadata_tokens = TokenPolicy::required;
  } else if (tokens != "optional") {
    root.problem("metadataTokens", "expected optional or required, found " + in_ticks(tokens));
  }
  std::string backup = "optional";
  root.text("backup", backup, Need::optional);
  settings.requires_backup = backup == "required";
  if (backup != "required" && backup != "optional")
    root.problem("backup", "expected optional or required, found " + in_ticks(backup));
  std::string admin_socket = settings.admin.address.substr(5);
  root.text("adminSocket", admin_socket, Need::optional);
  settings.admin.address = "unix:" + admin_socket;
  settings.admin.unix_group = settings.admin_group;
  if (!admin_socket.starts_with('/')) {
    root.problem("adminSocket", "expected an absolute path, found " + in_ticks(admin_socket));
  }
  read_listener(root, "boot", settings.boot);
  read_listener(root, "enrol", settings.enrol);
  read_listener(root, "node", settings.node);
  read_listener(root, "metrics", settings.scrape);
  check(settings, root);
  root.close();
  if (!problems.empty()) return fail("settings", problems);
  settings.text = text;
  return settings;
}

Result<Settings> load_settings(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail_errno(errno, fmt::format("reading settings '{}'", path));
  std::ostringstream text;
  text << file.rdbuf();
  auto settings = parse_settings(text.str());
  if (!settings) return while_doing(settings.error(), fmt::format("'{}'", path));
  return settings;
}

ServerAddresses server_addresses(const Settings& settings) {
  ServerAddresses addresses;
  for (const auto& host : settings.advertise) {
    const std::string in_url = host.find(':') == std::string::npos ? host : "[" + host + "]";
    addresses.boot.push_back(fmt::format("http://{}:{}", in_url, port_of(settings.boot)));
    addresses.enrol.push_back(fmt::format("https://{}:{}", in_url, port_of(settings.enrol)));
    addresses.node.push_back(fmt::format("https://{}:{}", in_url, port_of(settings.node)));
  }
  return addresses;
}

std::string sealing_key_path(const Settings& settings) {
  if (!settings.sealing_key.empty()) return settings.sealing_key;
  if (const char* credentials = getenv("CREDENTIALS_DIRECTORY"); credentials != nullptr) {
    std::string path = std::string(credentials) + "/sealing-key";
    struct stat found {};
    if (stat(path.c_str(), &found) == 0) return path;
  }
  return settings.state_directory + "/sealing-key";
}

std::string database_path(const Settings& settings) {
  return settings.state_directory + "/state.sqlite";
}
std::string artifacts_path(const Settings& settings) {
  return settings.state_directory + "/artifacts";
}
std::string audit_path(const Settings& settings) {
  return settings.state_directory + "/audit";
}
std::string mark_path(const Settings& settings) {
  return settings.state_directory + "/store-mark";
}

}  // namespace muster
