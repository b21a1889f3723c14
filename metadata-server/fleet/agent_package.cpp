#include "fleet/agent_package.hpp"

#include "publish/releases.hpp"

namespace muster {

Result<void> AgentPackage::load(const Store& store) {
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return pass(catalogue.error());
  std::string digest;
  if (const auto release = catalogue->newest("muster-agent")) {
    for (const Artifact& artifact : (*release)->artifacts) {
      if (artifact.kind == ArtifactKind::deb) digest = artifact.digest;
    }
  }
  const std::lock_guard lock(mutex_);
  digest_ = std::move(digest);
  return {};
}

std::string AgentPackage::digest() const {
  const std::lock_guard lock(mutex_);
  return digest_;
}

}  // namespace muster
