#include "machine/unit_change.hpp"

#include <algorithm>
#include <string_view>

#include "pki/signature.hpp"

namespace muster {
namespace {

template <class Item>
const Item* find_named(const std::vector<Item>& items, const std::string& name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

// What lies at a path, as something to compare; empty: nothing that the document asks for.
std::string content_at(const std::string& path, const DesiredState& desired) {
  std::string content;
  for (const auto& file : desired.files) {
    if (file.path == path) content += fmt::format("{}\n{}\n", path, sha256_digest(file.content));
  }
  for (const auto& secret : desired.secrets) {
    if (secret.path == path)
      content += fmt::format("{}\n{} {}\n", path, secret.name, secret.version);
  }
  return content;
}

std::string digest_of_files(const std::vector<std::string>& paths, const DesiredState& desired) {
  DigestStream stream;
  for (const auto& path : paths) stream.update(content_at(path, desired));
  return stream.finish();
}

// What differs between the states for one unit, in words.
class Reasons {
 public:
  Reasons(const DesiredState& before, const DesiredState& after) : before_(before), after_(after) {}

  void add_files(const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
      if (content_at(path, before_) != content_at(path, after_)) add(path);
    }
  }
  void add_releases(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      const auto* was = find_named(before_.releases, name);
      const auto* now = find_named(after_.releases, name);
      if (now == nullptr || (was != nullptr && was->manifest_digest == now->manifest_digest)) {
        continue;
      }
      if (was == nullptr) {
        add(fmt::format("{} {} is new here", name, now->version));
      } else if (was->version == now->version) {
        add(fmt::format("another build of {} {}", name, now->version));
      } else {
        add(fmt::format("{} {} -> {}", name, was->version, now->version));
      }
    }
  }
  // Another list of inputs is a change of none of them.
  [[nodiscard]] std::string text() const {
    return text_.empty() ? std::string("other settings") : text_;
  }

 private:
  void add(const std::string& reason) { text_ += (text_.empty() ? "" : ", ") + reason; }

  const DesiredState& before_;
  const DesiredState& after_;
  std::string text_;
};

std::string_view word(UnitChange::Kind kind) {
  switch (kind) {
    case UnitChange::Kind::start:
      return "start";
    case UnitChange::Kind::reload:
      return "reload";
    case UnitChange::Kind::restart:
      return "restart";
    case UnitChange::Kind::stop:
      return "stop";
  }
  return "restart";
}

}  // namespace

UnitInputs inputs_of(const DesiredUnit& unit, const DesiredState& desired) {
  UnitInputs inputs;
  std::string releases;
  for (const auto& name : unit.releases) {
    if (const auto* release = find_named(desired.releases, name))
      releases += name + " " + release->manifest_digest + "\n";
  }
  for (const auto& name : unit.tools) {
    if (const auto* release = find_named(desired.releases, name))
      inputs.tools[name] = release->manifest_digest;
  }
  inputs.configuration = sha256_digest(digest_of_files(unit.restart_on, desired) + "\n" + releases);
  inputs.reloaded = digest_of_files(unit.reload_on, desired);
  return inputs;
}

UnitEffect effect_of(const DesiredUnit& unit, const UnitInputs& was, const UnitInputs& now) {
  // A tool that is no longer listed stays where it is: nothing to restart for.
  const bool has_other_tools =
      std::any_of(now.tools.begin(), now.tools.end(), [&](const auto& tool) {
        const auto found = was.tools.find(tool.first);
        return found == was.tools.end() || found->second != tool.second;
      });
  UnitEffect effect;
  effect.restarts = was.configuration != now.configuration || has_other_tools;
  effect.waits = effect.restarts && !unit.restart_is_harmless;
  effect.reloads = was.reloaded != now.reloaded && !unit.reload_on.empty();
  return effect;
}

std::vector<UnitChange> changes_between(const DesiredState& before, const DesiredState& after) {
  std::vector<UnitChange> changes;
  for (const auto& unit : after.units) {
    const auto* was = find_named(before.units, unit.name);
    if (was == nullptr) {
      changes.push_back({unit.name, UnitChange::Kind::start, false, "new on this machine"});
      continue;
    }
    const auto effect = effect_of(unit, inputs_of(*was, before), inputs_of(unit, after));
    if (effect.restarts) {
      Reasons reasons(before, after);
      reasons.add_releases(unit.releases);
      reasons.add_releases(unit.tools);
      reasons.add_files(unit.restart_on);
      changes.push_back({unit.name, UnitChange::Kind::restart, effect.waits, reasons.text()});
    }
    if (effect.reloads && (!effect.restarts || effect.waits)) {
      Reasons reasons(before, after);
      reasons.add_files(unit.reload_on);
      changes.push_back({unit.name, UnitChange::Kind::reload, false, reasons.text()});
    }
  }
  for (const auto& unit : before.units) {
    if (find_named(after.units, unit.name) == nullptr)
      changes.push_back({unit.name, UnitChange::Kind::stop, true, "no longer wanted"});
  }
  return changes;
}

std::string to_text(const UnitChange& change) {
  return fmt::format("{}: {} {}: {}", change.unit, word(change.kind),
                     change.waits ? "at its turn" : "at once", change.reason);
}

}  // namespace muster
