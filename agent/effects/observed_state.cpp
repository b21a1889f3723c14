#include "agent/effects/observed_state.hpp"

#include "agent/effects/changed_start.hpp"
#include "agent/effects/effects.hpp"
#include "agent/effects/looks.hpp"
#include "agent/foundation/accounts.hpp"
#include "agent/foundation/artifacts.hpp"
#include "agent/foundation/images.hpp"
#include "agent/foundation/secret_digest.hpp"
#include "agent/node/node_object.hpp"
#include "agent/paths.hpp"
#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr const char* containerd_store =
    "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

void add(std::map<std::string, std::string>& reasons, const std::string& key,
         const std::string& reason) {
  if (!reason.empty()) reasons[key] = reason;
}

std::string difference(const Filesystem& files, const DesiredFile& file) {
  const auto status = files.status(file.path);
  if (!status) return "missing";
  if (status->type != FileStatus::Type::file) return "not a regular file";
  if (status->size != file.content.size()) return "content differs";
  const auto content = files.read(file.path, file.content.size() + 1);
  if (!content || *content != file.content) return "content differs";
  return attributes_difference(*status, file.mode, file.owner);
}

std::string difference(const Filesystem& files, const DesiredDirectory& directory) {
  const auto status = files.status(directory.path);
  if (!status) return "missing";
  // A person's link to a folder elsewhere is as good as one.
  if (status->type == FileStatus::Type::link && files.list(directory.path)) return {};
  if (status->type != FileStatus::Type::directory) return "not a folder";
  return attributes_difference(*status, directory.mode, directory.owner);
}

std::string difference(const Filesystem& files, const Checkpoint& checkpoint,
                       const SecretReference& secret) {
  const auto status = files.status(secret.path);
  if (!status) return "missing";
  if (status->type != FileStatus::Type::file) return "not a regular file";
  const auto written = checkpoint.secrets.find(secret.path);
  if (written == checkpoint.secrets.end() || written->second != secret.version) {
    return fmt::format("version {} is wanted", secret.version);
  }
  return {};
}

// Of those that are there in the wanted version. Their modes are file_looks.cpp's.
void observe_contents(const Filesystem& files, const std::vector<SecretReference>& secrets,
                      const Checkpoint& checkpoint, ObservedState& observed) {
  const std::string key = secret_digest_key(files);
  for (const auto& secret : secrets) {
    if (observed.secrets.count(secret.path) > 0) continue;
    const auto noted = checkpoint.secret_digests.find(secret.path);
    const std::string version = fmt::format("{} ", secret.version);
    if (key.empty() || noted == checkpoint.secret_digests.end() ||
        noted->second.rfind(version, 0) != 0) {
      observed.uncompared.insert(secret.path);
      continue;
    }
    const auto content = files.read(secret.path);
    if (!content || secret_digest(key, secret, *content) != noted->second) {
      observed.secrets[secret.path] = "content differs";
    }
  }
}

void observe_release(const Filesystem& files, const ReleaseReference& release,
                     const Checkpoint& checkpoint, ObservedState& observed) {
  const auto reason = reason_to_install(files, checkpoint, release);
  if (!reason.empty()) {
    observed.releases[release.name] = reason;
    const auto missing = reason_to_bring(files, checkpoint, release);
    if (!missing.empty()) observed.unbrought[release.name] = missing;
  }
  const auto other = replaced_release(files, checkpoint, release);
  if (!other.empty()) observed.replaced[release.name] = other;
  // Images are known once the manifest is there.
  if (!reason.empty()) return;
  const auto manifest = read_release(files, release);
  if (!manifest) return;
  // A containerd that lost its store lost the images with it.
  const bool has_store = files.status(containerd_store).has_value();
  for (const auto& artifact : manifest->artifacts) {
    if (artifact.kind != ArtifactKind::image) continue;
    const auto known = checkpoint.images.find(artifact.digest);
    const bool is_there = known != checkpoint.images.end() && has_manifests(files, known->second);
    if (has_store && is_there) continue;
    observed.images.push_back({release_folder(release) + "/" + artifact.path, artifact.digest});
  }
}

void observe_health(const Host& host, const DesiredState& desired, const Checkpoint& checkpoint,
                    ObservedState& observed) {
  const auto now = std::chrono::system_clock::to_time_t(host.clock.now());
  auto effects = observe_effects({host, desired, checkpoint, observed.units});
  for (const auto& [unit, reasons] : effects.undone) observed.undone[unit] = in_short(reasons);
  observed.lapsed = std::move(effects.lapsed);
  observed.corrections = std::move(effects.corrections);
  observed.next_boot = std::move(effects.next_boot);
  observed.unwell = std::move(effects.unwell);
  observed.restarts = note_restarts(checkpoint.restarts, observed.units, now);
  const RunsSince runs_since = [&](const std::string& unit) -> std::optional<std::int64_t> {
    const UnitStatus& status = observed.units.at(unit);
    const auto age = is_running(status) && status.main_pid != 0 ? process_age(host, status.main_pid)
                                                                : std::nullopt;
    if (!age) return std::nullopt;
    return now - std::chrono::duration_cast<std::chrono::seconds>(*age).count();
  };
  for (auto& loop : restart_loops(observed.restarts, now, runs_since)) {
    observed.unwell.push_back(std::move(loop));
  }
}

}  // namespace

ObservedState observe_inputs(const Host& host, const DesiredState& desired,
                             const Checkpoint& checkpoint) {
  ObservedState observed;
  const auto& files = host.files;
  for (const auto& release : desired.releases) {
    observe_release(files, release, checkpoint, observed);
  }
  for (const auto& secret : desired.secrets) {
    add(observed.secrets, secret.path, difference(files, checkpoint, secret));
  }
  observe_contents(files, desired.secrets, checkpoint, observed);
  for (const auto& directory : desired.directories) {
    add(observed.directories, directory.path, difference(files, directory));
  }
  for (const auto& file : desired.files) {
    add(observed.files, file.path, difference(files, file));
  }
  return observed;
}

Result<ObservedState> observe_state(const Host& host, const DesiredState& desired,
                                    const Checkpoint& checkpoint, const Authorities& authorities) {
  ObservedState observed = observe_inputs(host, desired, checkpoint);
  const auto now = host.clock.now();
  for (const auto& spec : desired.certificates) {
    add(observed.certificates, spec.name, reason_to_obtain(host.files, spec, authorities, now));
    add(observed.accounts, spec.owner, reason_to_make_account(host.files, spec.owner));
  }
  std::vector<std::string> units;
  for (const auto& unit : desired.units) units.push_back(unit.name);
  for (const auto& [unit, inputs] : checkpoint.units) units.push_back(unit);
  for (const auto& watcher : watchers()) units.emplace_back(watcher.unit);
  units.emplace_back("muster-agent.service");
  auto statuses = host.services.statuses(units);
  if (!statuses) return pass(statuses.error());
  observed.units = std::move(*statuses);
  observe_health(host, desired, checkpoint, observed);
  observed.starts = unit_starts(host, desired, observed, checkpoint);
  observed.changed_starts = changed_starts(host.files, desired, observed, checkpoint);
  return observed;
}

std::map<std::string, std::string> configurations_of(const DesiredState& desired) {
  std::map<std::string, std::string> configurations;
  for (const auto& unit : desired.units) {
    const UnitInputs inputs = inputs_of(unit, desired);
    std::string& text = configurations[unit.name];
    text = inputs.configuration;
    for (const auto& [tool, digest] : inputs.tools) text += fmt::format(" {} {}", tool, digest);
  }
  return configurations;
}

std::string digest_of(const DesiredState& desired) {
  std::string text;
  for (const auto& [unit, configuration] : configurations_of(desired)) {
    text += fmt::format("{} {}\n", unit, configuration);
  }
  return sha256_digest(text);
}

}  // namespace muster
