#include "agent/state/checkpoint.hpp"

#include "agent/paths.hpp"
#include "agent/state/checkpoint_json.hpp"

namespace muster {

Checkpoint fresh_checkpoint(const Filesystem& files) {
  Checkpoint fresh;
  if (const auto carried = files.read(paths::carried_releases, largest_checkpoint)) {
    fresh.releases = parse_carried_stamps(*carried);
    fresh.package_versions = packages_of(fresh.releases);
  }
  return fresh;
}

Result<Checkpoint> load_checkpoint(const Filesystem& files) {
  const auto text = files.read(paths::checkpoint);
  if (!text && text.error().kind == ErrorKind::not_found) {
    return fresh_checkpoint(files);
  }
  if (!text) return pass(text.error());
  auto checkpoint = parse_checkpoint(*text);
  if (!checkpoint) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "{}\nthe checkpoint is damaged; to start over from the server's documents: rm {}",
            checkpoint.error().message, paths::checkpoint));
  }
  return checkpoint;
}

Result<void> save(const Checkpoint& checkpoint, Filesystem& files) {
  const std::string text = to_json(checkpoint);
  if (const auto now = files.read(paths::checkpoint, largest_checkpoint); now && *now == text)
    return {};
  if (auto made = files.make_directory(paths::state, paths::state_mode); !made) return made;
  return files.write(paths::checkpoint, text, 0600);
}

}  // namespace muster
