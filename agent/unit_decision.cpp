#include "agent/unit_decision.hpp"

#include <algorithm>

#include "agent/effects/changed_start.hpp"
#include "agent/effects/looks.hpp"

namespace muster {
namespace {

bool is_active(const ObservedState& observed, const std::string& unit) {
  const auto found = observed.units.find(unit);
  return found != observed.units.end() && is_running(found->second);
}

class Decider {
 public:
  Decider(const DesiredState& desired, const ObservedState& observed, const Checkpoint& checkpoint,
          RunKind kind, const SettledState* settled)
      : desired_(desired),
        observed_(observed),
        checkpoint_(checkpoint),
        kind_(kind),
        settled_(settled) {}

  UnitDecision decide() {
    for (const auto& unit : desired_.units) decide(unit);
    decide_stops();
    // In a boot they are still on their way.
    if (kind_ == RunKind::running) {
      decision_.put_back.insert(observed_.lapsed.begin(), observed_.lapsed.end());
    }
    return std::move(decision_);
  }

 private:
  // Why the configuration that the unit runs with is not the wanted one, in words.
  [[nodiscard]] std::string configuration_change(const DesiredUnit& unit) const {
    std::string text;
    const auto append = [&](const std::string& what, const std::string& reason) {
      if (!reason.empty()) text += (text.empty() ? "" : ", ") + what + " " + reason;
    };
    for (const auto& path : unit.restart_on) {
      if (!is_lost(path)) {
        append(path, reason_in(observed_.files, path));
      } else if (is_changed(path)) {
        append(path, "content differs");
      }
    }
    for (const auto& path : unit.restart_on) append(path, reason_in(observed_.secrets, path));
    for (const auto* names : {&unit.releases, &unit.tools}) {
      for (const auto& name : *names) {
        const auto other = reason_in(observed_.replaced, name);
        if (!other.empty()) append(name, "is " + other);
      }
    }
    return text.empty() ? "started with other settings" : text;
  }

  // It comes back as it was, and is then as it was before: a change, or none.
  [[nodiscard]] bool is_lost(const std::string& path) const {
    return decision_.lost_files.count(path) > 0;
  }
  [[nodiscard]] bool is_changed(const std::string& path) const {
    const auto* was = file_at(settled_->desired, path);
    const auto* now = file_at(desired_, path);
    return was == nullptr || now == nullptr || was->content != now->content;
  }

  // Before agents kept which tools a unit has, the links alone tell.
  [[nodiscard]] UnitInputs recorded(const DesiredUnit& unit, const UnitInputs& now) const {
    const auto found = checkpoint_.units.find(unit.name);
    UnitInputs was = found == checkpoint_.units.end() ? UnitInputs{} : found->second;
    for (const auto& [name, digest] : now.tools) {
      const bool is_known = was.tools.count(name) > 0 || observed_.replaced.count(name) > 0;
      if (!is_known) was.tools[name] = digest;
    }
    return was;
  }

  void decide(const DesiredUnit& unit) {
    decision_.deadline = std::max(decision_.deadline, unit.deadline);
    const UnitInputs now = inputs_of(unit, desired_);
    const auto effect = effect_of(unit, recorded(unit, now), now);
    const bool waits = effect.waits && kind_ == RunKind::running;
    if (!is_active(observed_, unit.name)) {
      // What crashed comes back as it was; what never ran, or failed in its turn, has nothing to
      // come back as.
      const auto ran = checkpoint_.units.find(unit.name);
      const bool is_known = ran != checkpoint_.units.end() && !ran->second.configuration.empty();
      if (waits && is_known && has_other_inputs(unit)) hold(unit);
      decision_.start.push_back(unit.name);
      return;
    }
    const auto changed = observed_.changed_starts.find(unit.name);
    const bool is_changed_start = changed != observed_.changed_starts.end();
    if (waits) {
      hold(unit);
    } else if (effect.restarts) {
      decision_.restart[unit.name] = configuration_change(unit);
      return;
    } else if (is_changed_start && kind_ != RunKind::running) {
      decision_.restart[unit.name] = changed->second;
      return;
    } else if (is_changed_start) {
      decision_.pending.push_back(fmt::format("{}: restart: {}", unit.name, changed->second));
    } else if (const auto undone = reason_in(observed_.undone, unit.name);
               !undone.empty() && unit.restart_is_harmless) {
      decision_.put_back[unit.name] = undone;
      return;
    }
    if (effect.reloads || has_changed_under(unit)) decision_.reload.push_back(unit.name);
  }

  // Somebody may have had it re-read what is put right now.
  [[nodiscard]] bool has_changed_under(const DesiredUnit& unit) const {
    return std::any_of(unit.reload_on.begin(), unit.reload_on.end(), [&](const auto& path) {
      const auto reason = reason_in(observed_.files, path);
      return !reason.empty() && !is_of_attributes(reason);
    });
  }

  // Whether the disk has anything else than is wanted for it.
  [[nodiscard]] bool has_other_inputs(const DesiredUnit& unit) const {
    const auto is_other = [](const auto& reasons) {
      return [&reasons](const std::string& input) { return reasons.count(input) > 0; };
    };
    const auto any = [](const std::vector<std::string>& inputs, const auto& is_so) {
      return std::any_of(inputs.begin(), inputs.end(), is_so);
    };
    return any(unit.restart_on, is_other(observed_.files)) ||
           any(unit.restart_on, is_other(observed_.secrets)) ||
           any(unit.releases, is_other(observed_.replaced)) ||
           any(unit.tools, is_other(observed_.replaced));
  }

  // A crash restart must not take up by accident what waits for its turn: files and versions wait
  // too.
  void hold(const DesiredUnit& unit) {
    find_lost(unit);
    decision_.pending.push_back(
        fmt::format("{}: restart: {}", unit.name, configuration_change(unit)));
    for (const auto& path : unit.restart_on) {
      if (observed_.files.count(path) > 0 || observed_.secrets.count(path) > 0)
        decision_.held_files.insert(path);
    }
    for (const auto* names : {&unit.releases, &unit.tools}) {
      for (const auto& name : *names) {
        if (observed_.replaced.count(name) > 0) decision_.held_releases.insert(name);
      }
    }
  }

  // What of it the unit runs with is known where that is the settled state's.
  void find_lost(const DesiredUnit& unit) {
    if (settled_ == nullptr) return;
    const auto& settled = settled_->desired;
    const auto was = std::find_if(settled.units.begin(), settled.units.end(),
                                  [&](const auto& one) { return one.name == unit.name; });
    const auto runs_with = checkpoint_.units.find(unit.name);
    if (was == settled.units.end() || runs_with == checkpoint_.units.end() ||
        effect_of(*was, runs_with->second, inputs_of(*was, settled)).restarts) {
      return;
    }
    const auto& missed = settled_->observed;
    for (const auto& path : was->restart_on) {
      if (missed.files.count(path) > 0 || missed.secrets.count(path) > 0) {
        decision_.lost_files.insert(path);
        decision_.held_files.insert(path);
      }
    }
    for (const auto* names : {&was->releases, &was->tools}) {
      for (const auto& name : *names) {
        if (missed.releases.count(name) == 0) continue;
        decision_.lost_releases.insert(name);
        decision_.held_releases.insert(name);
      }
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

  const DesiredState& desired_;
  const ObservedState& observed_;
  const Checkpoint& checkpoint_;
  RunKind kind_;
  const SettledState* settled_;
  UnitDecision decision_;
};

}  // namespace

std::string reason_in(const std::map<std::string, std::string>& reasons, const std::string& key) {
  const auto found = reasons.find(key);
  return found == reasons.end() ? std::string() : found->second;
}

UnitDecision decide_units(const DesiredState& desired, const ObservedState& observed,
                          const Checkpoint& checkpoint, RunKind kind, const SettledState* settled) {
  return Decider(desired, observed, checkpoint, kind, settled).decide();
}

}  // namespace muster
