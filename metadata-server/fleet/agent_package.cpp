#include "fleet/agent_package.hpp"

#include "artifact/catalogue.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::string_view release_name = "muster-agent";

}  // namespace

Result<void> AgentPackage::load(const Store& store) {
  const auto records = all_records(store, kinds::release, kinds::prefix_of(release_name));
  if (!records) return pass(records.error());
  std::map<std::string, Release> releases;
  for (const auto& record : *records) {
    auto release = parse_release(record.value);
    if (!release) return while_doing(release.error(), fmt::format("release '{}'", record.key));
    releases[record.key] = std::move(*release);
  }
  const std::lock_guard lock(mutex_);
  releases_ = std::move(releases);
  choose_newest();
  return {};
}

Result<void> AgentPackage::follow(const Commit& commit) {
  Result<void> all;
  for (const auto& change : commit.changes) {
    const bool is_agent =
        change.kind == kinds::release && change.key.starts_with(kinds::prefix_of(release_name));
    if (!is_agent) continue;
    const std::lock_guard lock(mutex_);
    releases_.erase(change.key);
    if (change.value) {
      auto release = parse_release(*change.value);
      if (release) {
        releases_[change.key] = std::move(*release);
      } else {
        all = while_doing(release.error(), fmt::format("release '{}'", change.key));
      }
    }
    choose_newest();
  }
  return all;
}

void AgentPackage::choose_newest() {
  Catalogue catalogue;
  for (const auto& [key, release] : releases_) static_cast<void>(catalogue.add(release));
  digest_.clear();
  const auto newest = catalogue.newest(release_name);
  if (!newest) return;
  for (const Artifact& artifact : (*newest)->artifacts) {
    if (artifact.kind == ArtifactKind::deb) digest_ = artifact.digest;
  }
}

std::string AgentPackage::digest() const {
  const std::lock_guard lock(mutex_);
  return digest_;
}

}  // namespace muster
