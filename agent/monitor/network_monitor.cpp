#include "agent/monitor/network_monitor.hpp"

#include <nlohmann/json.hpp>

#include "agent/host/notify.hpp"
#include "agent/monitor/monitor.hpp"
#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr const char* nft = "/usr/sbin/nft";

// As `nft` writes it, which the unit that makes the table hashes alike. "": there is none.
Result<std::string> table_digest(Host& host) {
  // It comes with the release host-tools.
  if (!host.files.status(nft)) return std::string();
  ProcessRequest request;
  request.arguments = {nft, "list", "table", "ip", "muster"};
  request.timeout = std::chrono::seconds(10);
  const auto outcome = host.process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status == 0) return sha256_digest(outcome->output);
  if (outcome->error.find("No such file or directory") != std::string::npos) return std::string();
  return fail(
      ErrorKind::unavailable,
      fmt::format("`nft list table ip muster`: expected the table, found exit status {}: {}",
                  outcome->exit_status, outcome->error.substr(0, 200)));
}

}  // namespace

Result<void> look_at_network(Host& host) {
  // The note first: a table that is made anew meanwhile is of no note that was told here.
  const auto note = host.files.read(paths::masquerade_note, 256);
  const auto found = table_digest(host);
  if (!found) return pass(found.error());
  const nlohmann::json state = {{"at", seconds_since_boot(host.clock)},
                                {"noted", note ? *note : std::string()},
                                {"found", *found}};
  const std::string path = fmt::format("{}/network.json", paths::monitor_state);
  const std::string text =
      state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return host.files.write(path, text, 0644);
}

Result<void> run_network_monitor(Host& host) {
  if (auto made = host.files.make_directory(paths::monitor_state, 0755); !made) return made;
  for (;; host.clock.sleep(std::chrono::seconds(5))) {
    if (auto looked = look_at_network(host); !looked) return looked;
    notify_ready();
  }
}

}  // namespace muster
