#include "publish/releases.hpp"

#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

Result<void> check_artifacts(const ArtifactStore& artifacts, const Release& release) {
  std::string missing;
  for (const auto& artifact : release.artifacts) {
    if (artifacts.contains(artifact.digest, artifact.size)) continue;
    missing += fmt::format("\n{} ({}, {} bytes)", artifact.path, artifact.digest, artifact.size);
  }
  if (missing.empty()) return {};
  return fail(
      ErrorKind::invalid,
      fmt::format("release {} {}: these artifacts are not in the store; import them first:{}",
                  release.name, release.version, missing));
}

Result<void> import_manifest(const ArtifactStore& artifacts, const Release& release) {
  const std::string manifest = to_canonical_json(release);
  auto incoming = artifacts.begin_import(digest(release), manifest.size());
  if (!incoming) return pass(incoming.error());
  if (auto written = incoming->write(manifest); !written) return written;
  return incoming->finish();
}

}  // namespace

Result<void> add_release(Store& store, const ArtifactStore& artifacts, const Release& release,
                         std::string_view actor, TimePoint now) {
  if (auto checked = check_artifacts(artifacts, release); !checked) return checked;
  if (auto imported = import_manifest(artifacts, release); !imported) return imported;
  const std::string key = kinds::pair_key(release.name, release.version);
  return update(
      store, kinds::release, key,
      [&](const std::optional<std::string>& present, Transaction& transaction) -> Result<void> {
        const std::string manifest = to_canonical_json(release);
        if (present == manifest) return {};
        if (present && parse_release(*present)) {
          return fail(
              ErrorKind::conflict,
              fmt::format(
                  "release {} {}: it is there with another manifest, and machines may run it. Give the new one another version.",
                  release.name, release.version));
        }
        transaction.put(kinds::release, key, manifest);
        append_audit(transaction, now, actor, "release-added",
                     fmt::format("{} {}", release.name, release.version), digest(release));
        return {};
      });
}

Result<Catalogue> load_catalogue(const Store& store) {
  const auto records = all_records(store, kinds::release);
  if (!records) return pass(records.error());
  Catalogue catalogue;
  for (const auto& record : *records) {
    const auto release = parse_release(record.value);
    if (!release) continue;
    if (auto added = catalogue.add(*release); !added) return pass(added.error());
  }
  return catalogue;
}

Result<std::vector<IncompleteRelease>> unread_releases(const Store& store) {
  const auto records = all_records(store, kinds::release);
  if (!records) return pass(records.error());
  std::vector<IncompleteRelease> unread;
  for (const auto& record : *records) {
    const auto release = parse_release(record.value);
    const auto names = kinds::parse_pair_key(record.key);
    if (!release && names)
      unread.push_back({names->first, names->second, 0, 0, release.error().message});
  }
  return unread;
}

std::vector<IncompleteRelease> incomplete_releases(const Catalogue& catalogue,
                                                   const ArtifactStore& artifacts) {
  std::vector<IncompleteRelease> incomplete;
  for (const auto& release : catalogue.releases()) {
    IncompleteRelease found{release.name, release.version, 0, release.artifacts.size() + 1, {}};
    if (!artifacts.open_artifact(release.manifest_digest)) ++found.missing;
    for (const auto& artifact : release.artifacts) {
      if (!artifacts.contains(artifact.digest, artifact.size)) ++found.missing;
    }
    if (found.missing > 0) incomplete.push_back(std::move(found));
  }
  return incomplete;
}

Result<void> count_missing(const Store& store, const ArtifactStore& artifacts,
                           std::vector<CatalogueEntry>& releases) {
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return pass(catalogue.error());
  for (const auto& found : incomplete_releases(*catalogue, artifacts)) {
    for (auto& release : releases)
      if (release.name == found.name && release.version == found.version)
        release.missing = found.missing;
  }
  return {};
}

std::string to_text(const std::vector<IncompleteRelease>& releases) {
  std::string text;
  for (const auto& release : releases) {
    if (!release.unread.empty()) {
      text += fmt::format(
          "{}release {} {}: its record cannot be read; import it again with `muster release import`: {}",
          text.empty() ? "" : "\n", release.name, release.version, release.unread);
      continue;
    }
    text += fmt::format(
        "{}release {} {}: {} of {} files are not on the server's disk; bring them back with `muster release import`",
        text.empty() ? "" : "\n", release.name, release.version, release.missing, release.files);
  }
  return text;
}

Result<std::vector<ArtifactProblem>> verify_release(const Store& store,
                                                    const ArtifactStore& artifacts,
                                                    std::string_view name,
                                                    std::string_view version) {
  const auto catalogue = load_catalogue(store);
  if (!catalogue) return pass(catalogue.error());
  const auto release = catalogue->find(name, version);
  if (!release) return pass(release.error());
  std::vector<ArtifactProblem> problems;
  const auto check = [&](const std::string& path, const std::string& digest) {
    const auto sound = artifacts.verify(digest);
    if (sound) return;
    const ErrorKind kind = sound.error().kind;
    problems.push_back({path, digest,
                        kind == ErrorKind::not_found ? "missing"
                        : kind == ErrorKind::corrupt ? "damaged"
                                                     : sound.error().message});
  };
  for (const auto& artifact : (*release)->artifacts) check(artifact.path, artifact.digest);
  check("release.json", (*release)->manifest_digest);
  return problems;
}

}  // namespace muster
