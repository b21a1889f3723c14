#include "agent/effects/changed_start.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "agent/effects/looks.hpp"
#include "agent/effects/unit_files.hpp"
#include "agent/foundation/release_place.hpp"
#include "agent/foundation/secret_digest.hpp"
#include "agent/node/node_object.hpp"
#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

using Inputs = std::map<std::string, std::string>;

constexpr const char* input_unknown = "";
constexpr const char* input_ours = "ours";
constexpr const char* input_another = "another";
constexpr const char* input_drop_in = "drop-in";
constexpr std::size_t largest_input = 16u << 20;
// A process' start is known to 10 ms, the kernel's time of a file to 4.
constexpr std::int64_t start_is_known_to = 20'000'000;

struct Started {
  std::string name;     // "PID START"
  std::int64_t at = 0;  // Unix nanoseconds
  std::int64_t seen_at = 0;
};

std::optional<Started> process_of(const Host& host, std::uint32_t pid) {
  if (pid == 0) return std::nullopt;
  const auto stat = host.files.read(fmt::format("/proc/{}/stat", pid));
  const auto start = stat ? process_start(*stat) : std::nullopt;
  if (!start) return std::nullopt;
  const auto now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(host.clock.now().time_since_epoch());
  return Started{fmt::format("{} {}", pid, *start / std::chrono::milliseconds(1)),
                 (now - (host.clock.since_boot() - *start)).count(), now.count()};
}

std::string as_version(const SecretReference& secret, std::uint64_t version) {
  return fmt::format("{} {}", secret.name, version);
}

const SecretReference* secret_at(const DesiredState& desired, const std::string& path) {
  const auto found = std::find_if(desired.secrets.begin(), desired.secrets.end(),
                                  [&](const auto& secret) { return secret.path == path; });
  return found == desired.secrets.end() ? nullptr : &*found;
}

// By path. Of what the document does not have nothing is wanted; of a unit's own file, that it is
// the one of the agent that saw it started: a newer agent's is for its next start.
Inputs wanted_inputs(const DesiredUnit& unit, const DesiredState& desired,
                     const UnitStatus& status) {
  Inputs wanted;
  for (const auto& path : unit.restart_on) {
    if (const auto* file = file_at(desired, path)) wanted[path] = sha256_digest(file->content);
    if (const auto* secret = secret_at(desired, path))
      wanted[path] = as_version(*secret, secret->version);
  }
  for (const auto& release : desired.releases) {
    const auto& its = unit.releases;
    if (std::find(its.begin(), its.end(), release.name) == its.end()) continue;
    for (const auto& link : release_links(release)) wanted[link] = release_target(release);
  }
  if (!status.fragment.empty() && !unit_file(unit.name).empty())
    wanted[status.fragment] = input_ours;
  return wanted;
}

// The inputs of one unit as they lie on the disk.
class Disk {
 public:
  Disk(const Host& host, const DesiredState& desired, const Checkpoint& checkpoint)
      : files_(host.files), desired_(desired), checkpoint_(checkpoint) {}

  [[nodiscard]] std::string input(const std::string& unit, const UnitStatus& status,
                                  const std::string& path) const {
    const auto there = files_.status(path);
    if (!there) return "missing";
    if (there->type == FileStatus::Type::link) return there->link_target;
    const auto content = files_.read(path, largest_input);
    if (!content) return "not a file";
    if (path == status.fragment) {
      // What systemd has not loaded starts nothing.
      return *content == unit_file(unit) || status.need_daemon_reload ? input_ours : input_another;
    }
    if (const auto* secret = secret_at(desired_, path)) return secret_input(*secret, *content);
    return sha256_digest(*content);
  }

  // Written after the process began; of what is missing, the folder. What is from the future was
  // written by a wrong clock, and its time says nothing.
  [[nodiscard]] bool is_younger(const std::string& path, const Started& process) const {
    auto there = files_.status(path);
    if (!there) there = files_.status(path.substr(0, path.find_last_of('/')));
    return there && there->changed_ns > process.at + start_is_known_to &&
           there->changed_ns <= process.seen_at;
  }

 private:
  // By its version: a digest of it would be another one with each key.
  [[nodiscard]] std::string secret_input(const SecretReference& secret,
                                         const std::string& content) const {
    const auto version = checkpoint_.secrets.find(secret.path);
    if (version == checkpoint_.secrets.end()) return input_another;
    const auto noted = checkpoint_.secret_digests.find(secret.path);
    const std::string key = secret_digest_key(files_);
    SecretReference written = secret;
    written.version = version->second;
    // One that cannot be compared counts as right.
    const bool is_right = key.empty() || noted == checkpoint_.secret_digests.end() ||
                          noted->second == secret_digest(key, written, content);
    return is_right ? as_version(secret, version->second) : input_another;
  }

  const Filesystem& files_;
  const DesiredState& desired_;
  const Checkpoint& checkpoint_;
};

// Drop-ins that decide in Muster's place: what adds is a person's own.
void add_drop_ins(const Filesystem& files, const std::string& unit, const UnitStatus& status,
                  Inputs& inputs) {
  for (const auto& path : status.drop_ins) {
    if (decides_for_us(files, unit, path)) inputs[path] = input_drop_in;
  }
}

// One that is still there is told of as such (unit_looks.cpp), and comes back with a restart.
bool is_gone(const Filesystem& files, const std::string& unit, const UnitStatus& status,
             const std::string& path) {
  const auto& there = status.drop_ins;
  return std::find(there.begin(), there.end(), path) == there.end() ||
         !decides_for_us(files, unit, path);
}

std::string to_reason(const std::vector<std::string>& changed,
                      const std::vector<std::string>& unknown) {
  std::string reason;
  if (!changed.empty()) reason = fmt::format("started with a changed {}", fmt::join(changed, ", "));
  if (!unknown.empty()) {
    reason += fmt::format("{}started before a change of {}, with what is not known",
                          reason.empty() ? "" : "; ", fmt::join(unknown, ", "));
  }
  return reason;
}

}  // namespace

bool is_of_attributes(const std::string& reason) {
  return reason.rfind("mode ", 0) == 0 || reason.rfind("owner ", 0) == 0;
}

std::optional<UnitStart> start_just_made(const Host& host, const DesiredUnit& unit,
                                         const DesiredState& desired, const UnitStatus& status,
                                         const Checkpoint& checkpoint) {
  const auto process = is_running(status) ? process_of(host, status.main_pid) : std::nullopt;
  if (!process) return std::nullopt;
  const Disk disk(host, desired, checkpoint);
  UnitStart start{process->name, {}};
  add_drop_ins(host.files, unit.name, status, start.inputs);
  for (const auto& [path, wanted] : wanted_inputs(unit, desired, status)) {
    start.inputs[path] = disk.input(unit.name, status, path);
  }
  return start;
}

std::map<std::string, UnitStart> unit_starts(const Host& host, const DesiredState& desired,
                                             const ObservedState& observed,
                                             const Checkpoint& checkpoint) {
  const Disk disk(host, desired, checkpoint);
  std::map<std::string, UnitStart> starts;
  for (const auto& unit : desired.units) {
    const auto status = observed.units.find(unit.name);
    const auto noted = checkpoint.starts.find(unit.name);
    const bool is_noted = noted != checkpoint.starts.end();
    const bool is_up = status != observed.units.end() && is_running(status->second);
    const auto process = is_up ? process_of(host, status->second.main_pid) : std::nullopt;
    if (!process) {
      if (is_noted) starts.insert(*noted);
      continue;
    }
    UnitStart start{process->name, {}};
    const bool is_same = is_noted && noted->second.process == process->name;
    if (is_same) {
      start = noted->second;
    } else {
      add_drop_ins(host.files, unit.name, status->second, start.inputs);
    }
    for (const auto& [path, wanted] : wanted_inputs(unit, desired, status->second)) {
      if (start.inputs.count(path) > 0) continue;
      const std::string found = disk.input(unit.name, status->second, path);
      const bool is_younger = disk.is_younger(path, *process);
      start.inputs[path] = !is_younger ? found : is_noted && !is_same ? input_unknown : wanted;
    }
    starts.emplace(unit.name, std::move(start));
  }
  return starts;
}

std::map<std::string, std::string> changed_starts(const Filesystem& files,
                                                  const DesiredState& desired,
                                                  const ObservedState& observed,
                                                  const Checkpoint& checkpoint) {
  std::map<std::string, std::string> reasons;
  for (const auto& unit : desired.units) {
    const auto status = observed.units.find(unit.name);
    const auto start = observed.starts.find(unit.name);
    const auto recorded = checkpoint.units.find(unit.name);
    if (start == observed.starts.end() || recorded == checkpoint.units.end() ||
        status == observed.units.end() || !is_running(status->second) ||
        effect_of(unit, recorded->second, inputs_of(unit, desired)).restarts) {
      continue;
    }
    const auto wanted = wanted_inputs(unit, desired, status->second);
    std::vector<std::string> changed, unknown;
    for (const auto& [path, with] : start->second.inputs) {
      const auto found = wanted.find(path);
      const bool is_right = with == input_drop_in ? !is_gone(files, unit.name, status->second, path)
                                                  : found == wanted.end() || found->second == with;
      if (!is_right) (with == input_unknown ? unknown : changed).push_back(path);
    }
    if (auto reason = to_reason(changed, unknown); !reason.empty()) {
      reasons.emplace(unit.name, std::move(reason));
    }
  }
  return reasons;
}

}  // namespace muster
