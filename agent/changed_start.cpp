#include "agent/changed_start.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "agent/node_object.hpp"
#include "agent/paths.hpp"
#include "agent/release_place.hpp"

namespace muster {
namespace {

struct Started {
  std::string process;
  std::int64_t at = 0;  // Unix nanoseconds
};

std::optional<Started> started(const Host& host, std::uint32_t pid) {
  const auto stat = host.files.read(fmt::format("/proc/{}/stat", pid));
  const auto start = stat ? process_start(*stat) : std::nullopt;
  if (!start) return std::nullopt;
  const auto now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(host.clock.now().time_since_epoch());
  return Started{fmt::format("{} {}", pid, *start / std::chrono::milliseconds(1)),
                 (now - (host.clock.since_boot() - *start)).count()};
}

// Since when what lies at the path lies there; of what is missing, since when at the latest it is.
std::optional<std::int64_t> lies_since(const Filesystem& files, const std::string& path) {
  if (const auto there = files.status(path)) return there->changed_ns;
  const auto folder = files.status(path.substr(0, path.find_last_of('/')));
  return folder ? std::optional(folder->changed_ns) : std::nullopt;
}

// Paths of what the unit is started with, and is not as desired.
std::vector<std::string> changed_inputs(const DesiredUnit& unit, const DesiredState& desired,
                                        const ObservedState& observed, const UnitStatus& status) {
  std::vector<std::string> changed;
  for (const auto& path : unit.restart_on) {
    for (const auto* reasons : {&observed.files, &observed.secrets}) {
      const auto found = reasons->find(path);
      if (found != reasons->end() && !is_of_attributes(found->second)) changed.push_back(path);
    }
  }
  for (const auto& release : desired.releases) {
    const bool is_its =
        std::find(unit.releases.begin(), unit.releases.end(), release.name) != unit.releases.end();
    if (!is_its || observed.replaced.count(release.name) == 0) continue;
    for (const auto& link : release_links(release)) changed.push_back(link);
  }
  for (const auto& planned : observed.corrections) {
    const auto* file = std::get_if<CorrectFile>(&planned.action);
    // What systemd has not loaded started nothing.
    const bool is_its = file != nullptr && file->text && file->path == status.fragment;
    if (is_its && !status.need_daemon_reload) changed.push_back(file->path);
  }
  return changed;
}

}  // namespace

bool is_of_attributes(const std::string& reason) {
  return reason.rfind("mode ", 0) == 0 || reason.rfind("owner ", 0) == 0;
}

std::map<std::string, ChangedStart> changed_starts(const Host& host, const DesiredState& desired,
                                                   const ObservedState& observed,
                                                   const Checkpoint& checkpoint) {
  std::map<std::string, ChangedStart> starts;
  for (const auto& unit : desired.units) {
    const auto status = observed.units.find(unit.name);
    if (status == observed.units.end() || !is_running(status->second)) continue;
    const auto noted = checkpoint.changed_starts.find(unit.name);
    const auto changed = changed_inputs(unit, desired, observed, status->second);
    if (noted == checkpoint.changed_starts.end() && changed.empty()) continue;
    const auto process = started(host, status->second.main_pid);
    if (!process) continue;
    // For as long as that process runs, whatever the document says meanwhile.
    if (noted != checkpoint.changed_starts.end() && noted->second.process == process->process) {
      starts.insert(*noted);
      continue;
    }
    // What differs since another document waits is no edit.
    const auto recorded = checkpoint.units.find(unit.name);
    if (recorded == checkpoint.units.end() ||
        effect_of(unit, recorded->second, inputs_of(unit, desired)).restarts) {
      continue;
    }
    std::vector<std::string> with;
    for (const auto& path : changed) {
      const auto since = lies_since(host.files, path);
      if (since && *since < process->at) with.push_back(path);
    }
    if (!with.empty()) {
      starts[unit.name] = {process->process, fmt::format("{}", fmt::join(with, ", "))};
    }
  }
  return starts;
}

}  // namespace muster
