#include "agent/plan.hpp"

#include <algorithm>
#include <set>

#include "agent/foundation/artifacts.hpp"
#include "agent/unit_decision.hpp"

namespace muster {
namespace {

constexpr const char* runtime = "containerd.service";

bool contains(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

class Planner {
 public:
  Planner(const DesiredState& desired, const ObservedState& observed, const Checkpoint& checkpoint,
          RunKind kind, const SettledState* settled)
      : desired_(desired),
        observed_(observed),
        checkpoint_(checkpoint),
        kind_(kind),
        settled_(settled) {}

  Plan make() {
    decision_ = decide_units(desired_, observed_, checkpoint_, kind_, settled_);
    plan_.pending = decision_.pending;
    plan_.next_boot = observed_.next_boot;
    plan_lost();
    plan_releases();
    for (const auto& [name, reason] : observed_.accounts) add(MakeAccount{name}, reason);
    plan_certificates();
    plan_files();
    plan_units();
    return std::move(plan_);
  }

 private:
  void add(Action action, std::string reason, Cost cost = Cost::none) {
    plan_.actions.push_back({std::move(action), cost, std::move(reason)});
  }

  // Those that start with something that is held back for another unit: they will want a restart of
  // their own for it.
  [[nodiscard]] std::set<std::string> started_as_before(
      const std::vector<std::string>& started) const {
    const auto is_held = [](const std::vector<std::string>& inputs,
                            const std::set<std::string>& held) {
      return std::any_of(inputs.begin(), inputs.end(),
                         [&](const auto& input) { return held.count(input) > 0; });
    };
    std::set<std::string> units;
    for (const auto& unit : desired_.units) {
      if (!contains(started, unit.name)) continue;
      if (is_held(unit.restart_on, decision_.held_files) ||
          is_held(unit.releases, decision_.held_releases) ||
          is_held(unit.tools, decision_.held_releases)) {
        units.insert(unit.name);
      }
    }
    return units;
  }

  // As it was, for as long as what it is to be waits.
  void plan_lost() {
    if (settled_ == nullptr) return;
    const auto& was = settled_->desired;
    const auto& missed = settled_->observed;
    for (const auto& release : was.releases) {
      if (decision_.lost_releases.count(release.name) == 0) continue;
      add(InstallRelease{release}, reason_in(missed.releases, release.name));
    }
    for (const auto& secret : was.secrets) {
      const auto reason = reason_in(missed.secrets, secret.path);
      if (!reason.empty() && decision_.lost_files.count(secret.path) > 0) {
        add(FetchSecret{secret}, reason);
      }
    }
    for (const auto& file : was.files) {
      const auto reason = reason_in(missed.files, file.path);
      if (!reason.empty() && decision_.lost_files.count(file.path) > 0) {
        add(WriteFile{file}, reason);
      }
    }
  }

  void plan_releases() {
    BringReleases ahead;
    std::string reasons;
    for (const auto& release : desired_.releases) {
      const auto reason = reason_in(observed_.releases, release.name);
      if (reason.empty()) continue;
      if (decision_.held_releases.count(release.name) == 0) {
        add(InstallRelease{release}, reason);
        continue;
      }
      const auto missing = reason_in(observed_.unbrought, release.name);
      // Another build of the version that runs would take its place on the disk.
      const bool is_in_the_way =
          reason_in(observed_.replaced, release.name) == another_build_of(release);
      if (missing.empty() || is_in_the_way) continue;
      ahead.releases.push_back(release);
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", release.name, missing);
    }
    if (!ahead.releases.empty()) add(std::move(ahead), "ahead of its turn: " + reasons);
  }

  void plan_certificates() {
    ObtainCertificates wanted;
    std::string reasons;
    for (const auto& spec : desired_.certificates) {
      const auto reason = reason_in(observed_.certificates, spec.name);
      if (reason.empty()) continue;
      wanted.certificates.push_back(spec);
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ", ", spec.name, reason);
    }
    if (!wanted.certificates.empty()) add(std::move(wanted), reasons);
    for (const auto& secret : desired_.secrets) {
      const auto reason = reason_in(observed_.secrets, secret.path);
      if (!reason.empty() && decision_.held_files.count(secret.path) == 0) {
        add(FetchSecret{secret}, reason);
      }
      // A boot has other things to do, and may have to do them without the server.
      if (observed_.uncompared.count(secret.path) > 0 && kind_ == RunKind::running) {
        add(FetchSecret{secret, true}, "not compared yet");
      }
    }
  }

  void plan_files() {
    for (const auto& directory : desired_.directories) {
      const auto reason = reason_in(observed_.directories, directory.path);
      if (!reason.empty()) add(MakeDirectory{directory}, reason);
    }
    std::set<std::string> wanted;
    for (const auto& file : desired_.files) {
      wanted.insert(file.path);
      const auto reason = reason_in(observed_.files, file.path);
      if (!reason.empty() && decision_.held_files.count(file.path) == 0) {
        add(WriteFile{file}, reason);
      }
    }
    for (const auto& secret : desired_.secrets) wanted.insert(secret.path);
    for (const auto& correction : observed_.corrections) plan_.actions.push_back(correction);
    // What a unit that must wait was started with stays until its turn.
    if (!decision_.pending.empty()) return;
    for (const auto& path : checkpoint_.files) {
      if (wanted.count(path) == 0) add(RemovePath{path}, "no longer wanted");
    }
  }

  void plan_units() {
    const bool needs_reload =
        std::any_of(observed_.units.begin(), observed_.units.end(),
                    [](const auto& unit) { return unit.second.need_daemon_reload; }) ||
        std::any_of(observed_.corrections.begin(), observed_.corrections.end(),
                    [](const auto& planned) {
                      const auto* file = std::get_if<CorrectFile>(&planned.action);
                      return file != nullptr && file->text.has_value();
                    });
    if (needs_reload) add(ReloadServiceManager{}, "unit files changed on disk");
    if (!decision_.stop.empty()) add(StopUnits{decision_.stop}, "no longer wanted", Cost::restart);
    plan_images();
    if (!decision_.start.empty()) add_start(decision_.start);
    plan_restarts();
    if (!decision_.reload.empty()) {
      add(ReloadUnits{decision_.reload}, "what it re-reads has changed");
    }
  }

  void plan_restarts() {
    RestartUnits changed{{}, decision_.deadline};
    std::string reasons;
    for (const auto& [unit, reason] : decision_.restart) {
      changed.units.push_back(unit);
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", unit, reason);
    }
    if (!changed.units.empty()) add(std::move(changed), reasons, Cost::restart);
    for (const auto& [unit, reason] : decision_.put_back) {
      add(RestartUnits{{unit}, decision_.deadline, true}, fmt::format("{}: {}", unit, reason),
          Cost::restart);
    }
  }

  void add_start(const std::vector<std::string>& units) {
    add(StartUnits{units, decision_.deadline, started_as_before(units)}, "not active");
  }

  // Before kubelet starts: a pod that is bound to the machine must find its image.
  void plan_images() {
    if (observed_.images.empty()) return;
    auto& start = decision_.start;
    if (contains(start, runtime)) {
      add_start({runtime});
      start.erase(std::find(start.begin(), start.end(), runtime));
    }
    for (const auto& image : observed_.images) add(image, "not in containerd");
  }

  const DesiredState& desired_;
  const ObservedState& observed_;
  const Checkpoint& checkpoint_;
  RunKind kind_;
  const SettledState* settled_;
  UnitDecision decision_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const DesiredState& desired, const ObservedState& observed,
               const Checkpoint& checkpoint, RunKind kind, const SettledState* settled) {
  return Planner(desired, observed, checkpoint, kind, settled).make();
}

Plan foundation_of(const Plan& plan) {
  Plan foundation;
  for (const auto& planned : plan.actions) {
    if (std::holds_alternative<InstallRelease>(planned.action) ||
        std::holds_alternative<BringReleases>(planned.action) ||
        std::holds_alternative<MakeAccount>(planned.action) ||
        std::holds_alternative<ObtainCertificates>(planned.action) ||
        std::holds_alternative<FetchSecret>(planned.action)) {
      foundation.actions.push_back(planned);
    }
  }
  return foundation;
}

Plan rest_of(const Plan& plan) {
  Plan rest = plan;
  std::erase_if(rest.actions, [](const auto& planned) {
    return std::holds_alternative<BringReleases>(planned.action);
  });
  return rest;
}

Plan up_to_unit(const Plan& plan, const std::string& unit) {
  Plan part;
  for (auto planned : plan.actions) {
    if (auto* start = std::get_if<StartUnits>(&planned.action)) {
      if (!contains(start->units, unit)) continue;
      start->units = {unit};
      part.actions.push_back(planned);
      return part;
    }
    if (std::holds_alternative<ImportImage>(planned.action)) continue;
    part.actions.push_back(planned);
  }
  return part;
}

}  // namespace muster
