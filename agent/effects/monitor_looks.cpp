#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

#include "agent/effects/looks.hpp"
#include "agent/node/node_object.hpp"
#include "agent/paths.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

// What kubelet's monitor watches too, where it runs (monitor/monitor.cpp).
constexpr std::array<std::string_view, 5> beside_kubelet = {
    "kube-proxy", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"};
constexpr std::size_t largest_finding = 64u << 10;

std::optional<nlohmann::json> kept_finding(const Host& host, std::string_view monitor) {
  const std::string path = fmt::format("{}/{}.json", paths::monitor_state, monitor);
  const auto text = host.files.read(path, largest_finding);
  if (!text) return std::nullopt;
  auto json = parse_strict_json(path, *text, {largest_finding});
  if (!json || !json->is_object()) return std::nullopt;
  return std::move(*json);
}

// Seconds; nothing where it says no time of this boot. /run, where findings are, outlives none.
std::optional<std::int64_t> age_of(const Host& host, const nlohmann::json& found) {
  const auto at = found.find("at");
  if (at == found.end() || !at->is_number_integer()) return std::nullopt;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(host.clock.since_boot()).count();
  const auto age = now - at->get<std::int64_t>();
  return age < 0 ? std::nullopt : std::optional(age);
}

// Why what it tells is not to be believed; empty: it is.
std::string staleness(const Host& host, const Watcher& watcher,
                      const std::optional<nlohmann::json>& found) {
  if (!found) return "it runs and tells nothing";
  const auto age = age_of(host, *found);
  if (!age) return "what it tells says not when it was found";
  if (*age <= watcher.good_for.count()) return {};
  return fmt::format("what it tells is {} s old, expected at most {} s", *age,
                     watcher.good_for.count());
}

// It may not have told anything yet; what lies there is of the one before it.
bool is_young(const Host& host, const Watcher& watcher, const UnitStatus& status) {
  const auto age = status.main_pid == 0 ? std::nullopt : process_age(host, status.main_pid);
  return age && *age <= watcher.good_for;
}

}  // namespace

const std::vector<Watcher>& watchers() {
  // Probes of 10 s and five of 5 s each 30 s, and a restart of 120 s between two; nft's 10 s each
  // 5 s.
  static const std::vector<Watcher> all{
      {"muster-kubelet-monitor.service", "kubelet", std::chrono::seconds(200)},
      {"muster-runtime-monitor.service", "runtime", std::chrono::seconds(200)},
      {"muster-network-monitor.service", "network", std::chrono::seconds(30)},
      {"muster-logrotate.timer", "", std::chrono::seconds(0)}};
  return all;
}

std::optional<nlohmann::json> fresh_finding(const Host& host, std::string_view monitor) {
  const auto& all = watchers();
  const bool is_beside =
      std::find(beside_kubelet.begin(), beside_kubelet.end(), monitor) != beside_kubelet.end();
  const auto watcher = std::find_if(all.begin(), all.end(), [&](const Watcher& one) {
    return one.finding == (is_beside ? "kubelet" : monitor);
  });
  auto found = kept_finding(host, monitor);
  if (watcher == all.end() || !staleness(host, *watcher, found).empty()) return std::nullopt;
  return found;
}

void look_at_watchers(const Sight& sight, Effects& effects) {
  for (const auto& watcher : watchers()) {
    const auto status = sight.units.find(watcher.unit);
    if (status == sight.units.end()) continue;
    const std::string& state = status->second.active_state;
    std::string reason;
    if (state == "inactive") reason = "stopped";
    if (state == "failed") reason = fmt::format("failed; journalctl -u {} -b", watcher.unit);
    if (state == "active" && *watcher.finding != '\0' &&
        !is_young(sight.host, watcher, status->second)) {
      reason = staleness(sight.host, watcher, kept_finding(sight.host, watcher.finding));
    }
    if (!reason.empty()) effects.lapsed[watcher.unit] = reason;
  }
}

void look_at_findings(const Sight& sight, Effects& effects) {
  std::vector<std::string_view> names(beside_kubelet.begin(), beside_kubelet.end());
  names.insert(names.begin(), {"kubelet", "runtime"});
  for (const auto monitor : names) {
    const auto found = fresh_finding(sight.host, monitor);
    if (!found || !found->contains("healthy") || (*found)["healthy"] != false) continue;
    effects.tell("unit " + text_at(*found, "unit"), text_at(*found, "message"));
  }
}

}  // namespace muster
