#include "agent/plan.hpp"

#include <algorithm>
#include <set>

#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr const char* runtime = "containerd.service";

bool contains(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string reason_in(const std::map<std::string, std::string>& reasons, const std::string& key) {
  const auto found = reasons.find(key);
  return found == reasons.end() ? std::string() : found->second;
}

bool is_active(const ObservedState& observed, const std::string& unit) {
  const auto found = observed.units.find(unit);
  return found != observed.units.end() &&
         (found->second.active_state == "active" || found->second.active_state == "reloading");
}

// What happens to each unit, and what therefore has to wait.
struct Decision {
  std::vector<std::string> start, restart, reload, stop;
  std::map<std::string, std::string> reasons;  // of restarts
  std::chrono::seconds deadline{60};
  std::set<std::string> held_files, held_releases;
  std::vector<std::string> pending;
};

class Planner {
 public:
  Planner(const DesiredState& desired, const ObservedState& observed, const Checkpoint& checkpoint,
          RunKind kind)
      : desired_(desired), observed_(observed), checkpoint_(checkpoint), kind_(kind) {}

  Plan make() {
    for (const auto& unit : desired_.units) decide(unit);
    decide_stops();
    plan_.pending = decision_.pending;
    plan_releases();
    plan_certificates();
    plan_files();
    plan_units();
    return std::move(plan_);
  }

 private:
  void add(Action action, std::string reason, Cost cost = Cost::none) {
    plan_.actions.push_back({std::move(action), cost, std::move(reason)});
  }

  // Why the configuration that the unit runs with is not the wanted one, in words.
  [[nodiscard]] std::string configuration_change(const DesiredUnit& unit) const {
    std::string text;
    const auto append = [&](const std::string& what, const std::string& reason) {
      if (!reason.empty()) text += (text.empty() ? "" : ", ") + what + " " + reason;
    };
    for (const auto& path : unit.restart_on) append(path, reason_in(observed_.files, path));
    for (const auto& path : unit.restart_on) append(path, reason_in(observed_.secrets, path));
    for (const auto& name : unit.releases) {
      const auto other = reason_in(observed_.replaced, name);
      if (!other.empty()) append(name, "is " + other);
    }
    return text.empty() ? "started with other settings" : text;
  }

  void decide(const DesiredUnit& unit) {
    decision_.deadline = std::max(decision_.deadline, unit.deadline);
    if (!is_active(observed_, unit.name)) {
      decision_.start.push_back(unit.name);
      return;
    }
    const auto recorded = checkpoint_.units.find(unit.name);
    const UnitInputs was = recorded == checkpoint_.units.end() ? UnitInputs{} : recorded->second;
    const UnitInputs now = inputs_of(unit, desired_, observed_.certificate_versions);
    const bool may_restart = kind_ != RunKind::running || unit.restart_is_harmless;
    if (was.configuration != now.configuration && !may_restart) {
      hold(unit);
    } else if (was.configuration != now.configuration) {
      decision_.restart.push_back(unit.name);
      decision_.reasons[unit.name] = configuration_change(unit);
    } else if (const auto undone = reason_in(observed_.undone, unit.name);
               !undone.empty() && unit.restart_is_harmless) {
      decision_.restart.push_back(unit.name);
      decision_.reasons[unit.name] = undone;
    }
    // A certificate does not wait for a turn: it would expire.
    const bool renewed =
        was.certificates != now.certificates ||
        std::any_of(unit.certificates.begin(), unit.certificates.end(),
                    [&](const auto& name) { return observed_.certificates.count(name) > 0; });
    if (decision_.reasons.count(unit.name) > 0) return;
    if (renewed) {
      decision_.restart.push_back(unit.name);
      decision_.reasons[unit.name] = "its certificate was renewed";
    } else if (was.reloaded != now.reloaded && !unit.reload_on.empty()) {
      decision_.reload.push_back(unit.name);
    }
  }

  // A crash restart must not take up by accident what waits for its turn: files and versions wait
  // too.
  void hold(const DesiredUnit& unit) {
    decision_.pending.push_back(
        fmt::format("{}: restart: {}", unit.name, configuration_change(unit)));
    for (const auto& path : unit.restart_on) decision_.held_files.insert(path);
    for (const auto& name : unit.releases) {
      if (!reason_in(observed_.replaced, name).empty()) decision_.held_releases.insert(name);
    }
  }

  void decide_stops() {
    for (const auto& [name, inputs] : checkpoint_.units) {
      const bool is_wanted =
          std::any_of(desired_.units.begin(), desired_.units.end(),
                      [&, &unit_name = name](const auto& unit) { return unit.name == unit_name; });
      if (is_wanted || !is_active(observed_, name)) continue;
      if (kind_ == RunKind::running) {
        decision_.pending.push_back(name + ": stop: no longer wanted");
      } else {
        decision_.stop.push_back(name);
      }
    }
  }

  void plan_releases() {
    for (const auto& release : desired_.releases) {
      const auto reason = reason_in(observed_.releases, release.name);
      if (!reason.empty() && decision_.held_releases.count(release.name) == 0) {
        add(InstallRelease{release}, reason);
      }
    }
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
    // What a unit that must wait was started with stays until its turn.
    if (!decision_.pending.empty()) return;
    for (const auto& path : checkpoint_.files) {
      if (wanted.count(path) == 0) add(RemovePath{path}, "no longer wanted");
    }
  }

  void plan_units() {
    const bool needs_reload =
        std::any_of(observed_.units.begin(), observed_.units.end(),
                    [](const auto& unit) { return unit.second.need_daemon_reload; });
    if (needs_reload) add(ReloadServiceManager{}, "unit files changed on disk");
    if (!decision_.stop.empty()) add(StopUnits{decision_.stop}, "no longer wanted", Cost::restart);
    plan_images();
    if (!decision_.start.empty()) {
      add(StartUnits{decision_.start, decision_.deadline}, "not active");
    }
    if (!decision_.restart.empty()) {
      std::string reasons;
      for (const auto& [unit, reason] : decision_.reasons) {
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", unit, reason);
      }
      add(RestartUnits{decision_.restart, decision_.deadline}, reasons, Cost::restart);
    }
    if (!decision_.reload.empty()) {
      add(ReloadUnits{decision_.reload}, "what it re-reads has changed");
    }
  }

  // Before kubelet starts: a pod that is bound to the machine must find its image.
  void plan_images() {
    if (observed_.images.empty()) return;
    auto& start = decision_.start;
    if (contains(start, runtime)) {
      add(StartUnits{{runtime}, decision_.deadline}, "not active");
      start.erase(std::find(start.begin(), start.end(), runtime));
    }
    for (const auto& image : observed_.images) add(image, "not in containerd");
  }

  const DesiredState& desired_;
  const ObservedState& observed_;
  const Checkpoint& checkpoint_;
  RunKind kind_;
  Decision decision_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const DesiredState& desired, const ObservedState& observed,
               const Checkpoint& checkpoint, RunKind kind) {
  return Planner(desired, observed, checkpoint, kind).make();
}

Plan foundation_of(const Plan& plan) {
  Plan foundation;
  for (const auto& planned : plan.actions) {
    if (std::holds_alternative<InstallRelease>(planned.action) ||
        std::holds_alternative<ObtainCertificates>(planned.action) ||
        std::holds_alternative<FetchSecret>(planned.action)) {
      foundation.actions.push_back(planned);
    }
  }
  return foundation;
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
