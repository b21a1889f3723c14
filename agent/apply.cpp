#include "agent/apply.hpp"

#include <algorithm>
#include <charconv>

#include "agent/effects/changed_start.hpp"
#include "agent/effects/observed_state.hpp"
#include "agent/effects/skipped_units.hpp"
#include "agent/footprint.hpp"
#include "agent/foundation/accounts.hpp"
#include "agent/foundation/artifacts.hpp"
#include "agent/foundation/images.hpp"
#include "agent/foundation/secret_digest.hpp"
#include "agent/node/kubelet_state.hpp"
#include "agent/paths.hpp"
#include "agent/plan_text.hpp"
#include "agent/state/set_aside.hpp"

namespace muster {
namespace {

constexpr const char* kubelet = "kubelet.service";

struct PhaseOf {
  const char* operator()(const InstallRelease&) const { return "releases"; }
  const char* operator()(const BringReleases&) const { return "releases"; }
  const char* operator()(const MakeAccount&) const { return "certificates"; }
  const char* operator()(const ObtainCertificates&) const { return "certificates"; }
  const char* operator()(const FetchSecret&) const { return "secrets"; }
  const char* operator()(const MakeDirectory&) const { return "files"; }
  const char* operator()(const WriteFile&) const { return "files"; }
  const char* operator()(const RemovePath&) const { return "files"; }
  const char* operator()(const CorrectFile&) const { return "files"; }
  const char* operator()(const ReloadServiceManager&) const { return "units"; }
  const char* operator()(const StartUnits&) const { return "units"; }
  const char* operator()(const RestartUnits&) const { return "units"; }
  const char* operator()(const ReloadUnits&) const { return "units"; }
  const char* operator()(const StopUnits&) const { return "units"; }
  const char* operator()(const ImportImage&) const { return "images"; }
};

class Execute {
 public:
  Execute(Run& run, const ApplyInputs& inputs) : run_(run), inputs_(inputs) {}

  Result<void> operator()(const InstallRelease& action) {
    return install(run_.host, run_.network, run_.checkpoint, action.release, inputs_.sources,
                   [this](std::string_view line) { run_.reporter.note(line); });
  }

  Result<void> operator()(const BringReleases& action) {
    return bring_releases(run_.host, run_.network, run_.checkpoint, action.releases,
                          inputs_.sources);
  }

  Result<void> operator()(const MakeAccount& action) {
    return make_account(run_.host.process, action.name);
  }

  Result<void> operator()(const ObtainCertificates& action) {
    auto obtained = inputs_.session.server == nullptr
                        ? server_is_away("certificates")
                        : obtain(run_.host.files, *inputs_.session.server, action.certificates,
                                 inputs_.authorities, run_.host.clock.now());
    if (obtained || !may_wait(action.certificates)) return obtained;
    // Time is left: the machine goes on with what it has, and the next converge tries again.
    run_.reporter.note("certificates not renewed: " + obtained.error().message);
    return {};
  }

  Result<void> operator()(const FetchSecret& action) {
    if (inputs_.session.server == nullptr) return server_is_away("a secret");
    const auto& secret = action.secret;
    auto value = inputs_.session.server->secret(secret.name, secret.version);
    if (!value) return while_doing(value.error(), fmt::format("secret '{}'", secret.name));
    const auto there = run_.host.files.read(secret.path);
    if (!action.compares || !there || *there != *value) {
      std::uint32_t mode = 0600;
      std::from_chars(secret.mode.data(), secret.mode.data() + secret.mode.size(), mode, 8);
      if (auto wrote = write({secret.path, *value, secret.owner, mode}); !wrote) return wrote;
    }
    run_.checkpoint.secrets[secret.path] = secret.version;
    return note_digest(secret, *value);
  }

  Result<void> operator()(const MakeDirectory& action) {
    const auto& directory = action.directory;
    if (auto room = make_room_for_folder(run_.host.files, directory.path); !room) return room;
    return run_.host.files.make_directory(directory.path, directory.mode, directory.owner);
  }

  Result<void> operator()(const WriteFile& action) { return write(action.file); }

  Result<void> operator()(const RemovePath& action) {
    if (auto restored = restore_original(run_.host.files, run_.checkpoint, action.path);
        !restored) {
      return restored;
    }
    run_.checkpoint.files.erase(action.path);
    return {};
  }

  Result<void> operator()(const CorrectFile& action) {
    auto& files = run_.host.files;
    if (!action.text) return files.finish(action.path, action.mode, action.owner);
    return write({action.path, *action.text, action.owner, action.mode});
  }

  Result<void> operator()(const ReloadServiceManager&) {
    return run_.host.services.daemon_reload();
  }

  Result<void> operator()(const StartUnits& action) {
    if (auto forgotten = forget(action.units, action.as_before); !forgotten) return forgotten;
    if (auto ready = clear_kubelet_state(action.units, action.deadline); !ready) return ready;
    auto started = run_.host.services.start(action.units, within(action.deadline));
    started = started ? none_is_skipped(run_.host, action.units)
                      : with_asserts(run_.host, action.units, started.error());
    if (started) record(action.units, action.as_before);
    if (started) note_starts(action.units);
    return started;
  }

  Result<void> operator()(const RestartUnits& action) {
    if (auto forgotten = forget(action.units, {}); !forgotten) return forgotten;
    if (auto ready = clear_kubelet_state(action.units, action.deadline); !ready) return ready;
    auto restarted = run_.host.services.restart(action.units, within(action.deadline));
    restarted = restarted ? none_is_skipped(run_.host, action.units)
                          : with_asserts(run_.host, action.units, restarted.error());
    if (restarted) record(action.units, {});
    if (restarted) note_starts(action.units);
    return restarted;
  }

  Result<void> operator()(const ReloadUnits& action) {
    auto reloaded = run_.host.services.reload(action.units, within(std::chrono::seconds(30)));
    // A restart of theirs may be waiting still.
    if (reloaded) record(action.units, {action.units.begin(), action.units.end()});
    return reloaded;
  }

  Result<void> operator()(const StopUnits& action) {
    auto stopped = run_.host.services.stop(action.units, within(std::chrono::seconds(120)));
    if (!stopped) return stopped;
    for (const auto& unit : action.units) run_.checkpoint.units.erase(unit);
    return {};
  }

  Result<void> operator()(const ImportImage& action) {
    auto manifests = import_image(run_.host.process, action, within(std::chrono::seconds(120)));
    if (!manifests) return pass(manifests.error());
    run_.checkpoint.images[action.digest] = std::move(*manifests);
    return {};
  }

 private:
  [[nodiscard]] Result<void> server_is_away(std::string_view wanted) const {
    const auto& why = inputs_.session.away;
    return fail(ErrorKind::unavailable,
                fmt::format("the server is away, and {} must be fetched from it{}", wanted,
                            why ? ": " + why->error.message : std::string()));
  }

  [[nodiscard]] bool may_wait(const std::vector<CertificateSpec>& specs) const {
    const auto now = run_.host.clock.now();
    return std::all_of(specs.begin(), specs.end(), [&](const auto& spec) {
      return muster::may_wait(run_.host.files, spec, inputs_.authorities, now);
    });
  }

  [[nodiscard]] std::chrono::milliseconds within(std::chrono::milliseconds deadline) const {
    return std::min(deadline, run_.deadline.left());
  }

  // One that runs would write them again.
  Result<void> clear_kubelet_state(const std::vector<std::string>& units,
                                   std::chrono::milliseconds deadline) {
    if (std::find(units.begin(), units.end(), kubelet) == units.end()) return {};
    const auto stale = stale_manager_states(run_.host.files, run_.checkpoint.manager_inputs);
    if (stale.empty()) return {};
    if (auto stopped = run_.host.services.stop({kubelet}, within(deadline)); !stopped) {
      return stopped;
    }
    for (const auto& path : stale) {
      run_.reporter.note(fmt::format(
          "removed {}, which is of other settings or another boot than kubelet's", path));
      if (auto gone = run_.host.files.remove(path); !gone) return gone;
    }
    return {};
  }

  Result<void> make_parent(const std::string& path) {
    const std::string parent = path.substr(0, path.find_last_of('/'));
    if (parent.empty()) return {};
    if (auto room = make_room_for_folder(run_.host.files, parent); !room) return room;
    if (run_.host.files.status(parent)) return {};
    return run_.host.files.make_directory(parent, 0755, "root");
  }

  Result<void> write(const DesiredFile& file) {
    if (auto made = make_parent(file.path); !made) return made;
    if (auto room = make_room_for_file(run_.host.files, file.path); !room) return room;
    return run_.host.files.write(file.path, file.content, file.mode, file.owner);
  }

  Result<void> note_digest(const SecretReference& secret, const std::string& value) {
    const auto key = make_secret_digest_key(run_.host.files);
    if (!key) return pass(key.error());
    run_.checkpoint.secret_digests[secret.path] = secret_digest(*key, secret, value);
    return {};
  }

  // A unit that fails, or an agent that is killed, in the middle of a change leaves nobody who
  // knows what it runs with: so it is not what it ran with before.
  Result<void> forget(const std::vector<std::string>& units,
                      const std::set<std::string>& as_before) {
    bool is_changed = false, is_harmless = true;
    for (const auto& unit : inputs_.desired.units) {
      const auto recorded = run_.checkpoint.units.find(unit.name);
      if (std::find(units.begin(), units.end(), unit.name) == units.end() ||
          as_before.count(unit.name) > 0 || recorded == run_.checkpoint.units.end() ||
          !effect_of(unit, recorded->second, inputs_of(unit, inputs_.desired)).restarts) {
        continue;
      }
      recorded->second.configuration.clear();
      is_changed = true;
      is_harmless = is_harmless && unit.restart_is_harmless;
    }
    if (!is_changed) return {};
    auto saved = save(run_.checkpoint, run_.host.files);
    // One too many disturbs nobody, and bans come by such units.
    return is_harmless ? Result<void>() : saved;
  }

  // What the units run with from now on; of `as_before` only what they re-read is new.
  void record(const std::vector<std::string>& units, const std::set<std::string>& as_before) {
    for (const auto& unit : inputs_.desired.units) {
      if (std::find(units.begin(), units.end(), unit.name) == units.end()) continue;
      const UnitInputs now = inputs_of(unit, inputs_.desired);
      UnitInputs& recorded = run_.checkpoint.units[unit.name];
      // systemd counts anew from here; what it did with other inputs is over.
      UnitRestarts& restarts = run_.checkpoint.restarts[unit.name];
      restarts.count = 0;
      if (recorded.configuration != now.configuration) restarts.at.clear();
      if (as_before.count(unit.name) > 0) {
        recorded.reloaded = now.reloaded;
      } else {
        recorded = now;
      }
    }
  }

  // The processes that are there now are the agent's own doing, and what it wrote lies there.
  void note_starts(const std::vector<std::string>& units) {
    auto& checkpoint = run_.checkpoint;
    const auto statuses = run_.host.services.statuses(units);
    for (const auto& unit : inputs_.desired.units) {
      if (std::find(units.begin(), units.end(), unit.name) == units.end()) continue;
      checkpoint.starts.erase(unit.name);
      if (!statuses) continue;
      auto start =
          start_just_made(run_.host, unit, inputs_.desired, statuses->at(unit.name), checkpoint);
      if (start) checkpoint.starts.emplace(unit.name, std::move(*start));
    }
    if (std::find(units.begin(), units.end(), kubelet) != units.end())
      checkpoint.manager_inputs = manager_inputs(run_.host.files);
  }

  Run& run_;
  const ApplyInputs& inputs_;
};

std::vector<ReleaseReference> releases_of(const Plan& plan) {
  std::vector<ReleaseReference> releases;
  for (const auto& planned : plan.actions) {
    const auto* install = std::get_if<InstallRelease>(&planned.action);
    if (install != nullptr) releases.push_back(install->release);
  }
  return releases;
}

// All that the plan installs, at once: what is installed afterwards is there already.
ConvergeResult<> bring(const std::vector<ReleaseReference>& releases, Run& run,
                       const ApplyInputs& inputs) {
  std::uint64_t bytes = 0;
  std::string names;
  for (const auto& release : releases) {
    bytes += release.size;
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", release.name, release.version);
  }
  run.reporter.begin("releases",
                     fmt::format("bring {} ({:.1f} MB)", names, static_cast<double>(bytes) / 1e6));
  auto brought = bring_releases(run.host, run.network, run.checkpoint, releases, inputs.sources);
  auto saved = save(run.checkpoint, run.host.files);
  if (!brought) return fail_converge(class_of(InstallRelease{}, brought.error()), brought.error());
  if (!saved) return fail_converge(FailureClass::disk, saved.error());
  return {};
}

void note_as_done(Run& run) {
  if (const auto saved = save(run.checkpoint, run.host.files); !saved) {
    run.memory.own_unwell.push_back({"disk", saved.error().message, 0});
  }
}

// Files are many and small: their trace is recorded once before the first of them.
bool is_file_action(const Action& action) {
  return std::holds_alternative<MakeDirectory>(action) ||
         std::holds_alternative<WriteFile>(action) || std::holds_alternative<RemovePath>(action);
}

}  // namespace

ConvergeResult<> apply(const Plan& plan, Run& run, const ApplyInputs& inputs) {
  if (plan.actions.empty()) return {};
  if (auto recorded = record_footprint(plan, run.checkpoint, run.host.files); !recorded) {
    return fail_converge(FailureClass::disk, recorded.error());
  }
  // What lies there wrongly says who was started with it; once it is right, only this note does.
  note_as_done(run);
  Execute execute(run, inputs);
  std::string_view phase;
  if (const auto releases = releases_of(plan); releases.size() > 1) {
    if (auto brought = bring(releases, run, inputs); !brought) return brought;
    phase = PhaseOf{}(InstallRelease{});
  }
  for (const auto& planned : plan.actions) {
    const std::string_view next = std::visit(PhaseOf{}, planned.action);
    const std::string line = to_line(planned.action);
    if (next != phase) {
      run.reporter.begin(std::string(next), is_file_action(planned.action) ? "" : line);
    }
    phase = next;
    auto done = std::visit(execute, planned.action);
    // What was done is noted, for as long as there is room: without a note it is done once more.
    const bool is_quiet = done && is_file_action(planned.action);
    if (!is_quiet) note_as_done(run);
    if (!done) {
      return fail_converge(class_of(planned.action, done.error()),
                           while_doing(done.error(), line).value());
    }
  }
  note_as_done(run);
  return {};
}

}  // namespace muster
