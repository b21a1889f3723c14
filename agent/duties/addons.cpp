#include "agent/duties/addons.hpp"

#include <algorithm>

#include "agent/duties/cluster_roles.hpp"
#include "pki/signature.hpp"

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
  if (!rolled) return context(rolled.error(), fmt::format("waiting for '{}'", text));
  return {};
}

}  // namespace

Result<void> apply_addon(const AddonSpec& addon, const Kubectl& kubectl, Clock& clock,
                         std::chrono::milliseconds& left) {
  const auto applied = kubectl.run(
      {"apply", "--server-side", "--force-conflicts", "--field-manager=muster", "--filename=-"},
      addon.manifest);
  if (!applied) return context(applied.error(), fmt::format("addon '{}'", addon.name));
  for (const std::string& target : addon.waits_for) {
    const auto start = clock.since_boot();
    const auto rolled = await_rollout(target, kubectl, left);
    left -= std::chrono::duration_cast<std::chrono::milliseconds>(clock.since_boot() - start);
    if (!rolled) return context(rolled.error(), fmt::format("addon '{}'", addon.name));
  }
  return {};
}

std::string addons_digest(const NodeDocument& document) {
  std::string all = cluster_roles();
  for (const AddonSpec& addon : document.config.addons) {
    all += fmt::format("{}\n{}\n{}\n", addon.name, addon.manifest, fmt::join(addon.waits_for, " "));
  }
  return sha256_digest(all);
}

}  // namespace muster
