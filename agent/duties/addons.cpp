#include "agent/duties/addons.hpp"

#include <algorithm>

namespace muster {
namespace {

// "deployment/kube-system/coredns"
struct Target {
  std::string kind, space, name;
};

Result<Target> parse_target(const std::string& text) {
  const std::size_t first = text.find('/');
  const std::size_t last = text.rfind('/');
  if (first == std::string::npos || first == last) {
    return fail(ErrorKind::invalid,
                fmt::format("waitFor: expected KIND/NAMESPACE/NAME, found '{}'", text));
  }
  return Target{text.substr(0, first), text.substr(first + 1, last - first - 1),
                text.substr(last + 1)};
}

Result<void> await_rollout(const std::string& text, const Kubectl& kubectl,
                           std::chrono::milliseconds left) {
  const auto target = parse_target(text);
  if (!target) return pass(target.error());
  if (left.count() <= 0) {
    return fail(
        ErrorKind::timeout,
        fmt::format("waiting for '{}': no time left in this turn; the next one goes on", text));
  }
  const auto seconds = std::max<std::int64_t>(1, left.count() / 1000);
  const auto rolled =
      kubectl.run({"rollout", "status", target->kind + "/" + target->name,
                   "--namespace=" + target->space, fmt::format("--timeout={}s", seconds)},
                  {}, std::chrono::seconds(seconds + 5));
  if (!rolled) return while_doing(rolled.error(), fmt::format("waiting for '{}'", text));
  return {};
}

}  // namespace

Result<std::vector<AppliedObject>> apply_addon(const AddonSpec& addon, const Kubectl& kubectl) {
  const std::string doing = fmt::format("addon '{}'", addon.name);
  // Asks no API server. It prints one JSON object per object of the YAML.
  const auto labelled =
      kubectl.run({"label", "--local", "--overwrite", "--filename=-", "--output=json",
                   fmt::format("{}={}", addon_label, addon.name)},
                  addon.manifest);
  if (!labelled) return while_doing(labelled.error(), doing);
  const auto lines = kubectl.run(
      {"apply", "--server-side", "--force-conflicts",
       std::string("--field-manager=") + field_manager, "--filename=-", object_output()},
      *labelled);
  if (!lines) return while_doing(lines.error(), doing);
  const auto objects = parse_objects(*lines);
  if (!objects) return while_doing(objects.error(), doing);
  std::vector<AppliedObject> applied;
  for (const ClusterObject& object : *objects) applied.push_back({object.id, object.fields});
  return applied;
}

Result<void> await_addon(const AddonSpec& addon, const Kubectl& kubectl, Clock& clock,
                         std::chrono::milliseconds& left) {
  for (const std::string& target : addon.waits_for) {
    const auto start = clock.since_boot();
    const auto rolled = await_rollout(target, kubectl, left);
    left -= std::chrono::duration_cast<std::chrono::milliseconds>(clock.since_boot() - start);
    if (!rolled) return while_doing(rolled.error(), fmt::format("addon '{}'", addon.name));
  }
  return {};
}

}  // namespace muster
