#include "agent/session/kept_copy.hpp"

#include "agent/paths.hpp"

namespace muster {
namespace {

Result<void> write_where_other(Filesystem& files, const std::string& path,
                               const std::string& text) {
  if (const auto now = files.read(path, maximum_envelope_size); now && *now == text) return {};
  const std::string folder = path.substr(0, path.find_last_of('/'));
  if (auto made = files.make_directory(paths::state, paths::state_mode); !made) return made;
  if (auto made = files.make_directory(folder, 0700); !made) return made;
  return files.write(path, text, 0600);
}

}  // namespace

std::string copy_of(const std::string& path) {
  return std::string(paths::copies) + path.substr(path.find_last_of('/'));
}

Result<void> write_kept(Filesystem& files, const std::string& path, const std::string& text) {
  auto wrote = write_where_other(files, path, text);
  if (wrote) put_right(files, copy_of(path), text);
  return wrote;
}

void put_right(Filesystem& files, const std::string& path, const std::string& text) {
  static_cast<void>(write_where_other(files, path, text));
}

}  // namespace muster
