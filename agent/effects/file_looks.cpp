#include <algorithm>
#include <charconv>

#include "agent/effects/looks.hpp"
#include "agent/foundation/certificates.hpp"
#include "agent/paths.hpp"
#include "document/field_syntax.hpp"

namespace muster {
namespace {

// A folder from which a component reads every file with one of these ends, in the order of names.
struct SharedFolder {
  const char* path;
  const char* ours;  // where this is not wanted, the folder is somebody else's altogether
  std::vector<std::string_view> ends;
  bool first_wins;  // and no other is read
  const char* what;
};

const std::vector<SharedFolder>& shared_folders() {
  static const std::vector<SharedFolder> folders{
      {paths::kubelet_dropins,
       "10-document.conf",
       {".conf"},
       false,
       "kubelet reads it beside Muster's, at its next start"},
      {"/etc/cni/net.d",
       "10-muster.conflist",
       {".conf", ".conflist", ".json"},
       true,
       "containerd takes it in the place of 10-muster.conflist"},
      {"/etc/containerd/conf.d",
       nullptr,
       {".toml"},
       false,
       "containerd reads it beside Muster's, at its next start"}};
  return folders;
}

bool has_end(std::string_view name, const std::vector<std::string_view>& ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
    return name.size() > end.size() && name.substr(name.size() - end.size()) == end;
  });
}

class PrivateFiles {
 public:
  PrivateFiles(const Filesystem& files, Effects& effects) : files_(files), effects_(effects) {}

  // What is not there, or is of another kind, is missed elsewhere.
  void expect(const std::string& path, std::uint32_t mode, const std::string& owner = "root") {
    const auto status = files_.status(path);
    const bool is_state = path == paths::state;
    const auto wanted = is_state ? FileStatus::Type::directory : FileStatus::Type::file;
    if (!status || status->type != wanted) return;
    const auto reason = attributes_difference(*status, mode, owner);
    if (reason.empty()) return;
    effects_.corrections.push_back({CorrectFile{path, owner, mode, {}}, Cost::none, reason});
  }

 private:
  const Filesystem& files_;
  Effects& effects_;
};

}  // namespace

std::string attributes_difference(const FileStatus& status, std::uint32_t mode,
                                  const std::string& owner) {
  if (status.mode != mode) {
    return fmt::format("mode {:04o}, expected {:04o}", status.mode, mode);
  }
  if (status.owner != owner) return fmt::format("owner {}, expected {}", status.owner, owner);
  return {};
}

// Kubeconfigs and the rest of what a document wants are files of it, which are looked at as such.
void look_at_private_files(const Sight& sight, Effects& effects) {
  PrivateFiles files(sight.host.files, effects);
  files.expect(paths::state, paths::state_mode);
  files.expect(paths::settings, 0600);
  files.expect(paths::identity_key, 0600);
  for (const auto& spec : sight.desired.certificates) {
    const auto mode = file_mode(spec.mode);
    files.expect(spec.path + "/tls.key", mode, mode == 0644 ? "root" : spec.owner);
  }
  for (const auto& secret : sight.desired.secrets) {
    files.expect(secret.path, file_mode(secret.mode), secret.owner);
  }
}

// Somebody else's file that changes what ours say. It may be meant, so it stays; but the inventory
// is where it belongs.
void look_at_foreign_configuration(const Sight& sight, Effects& effects) {
  for (const auto& folder : shared_folders()) {
    const std::string base = folder.path + std::string("/");
    if (folder.ours != nullptr && file_at(sight.desired, base + folder.ours) == nullptr) continue;
    const auto names = sight.host.files.list(folder.path);
    for (std::size_t i = 0; names && i < names->size(); ++i) {
      const std::string& name = (*names)[i];
      const bool is_read = has_end(name, folder.ends) && (!folder.first_wins || name < folder.ours);
      const bool is_ours = file_at(sight.desired, base + name) != nullptr ||
                           sight.checkpoint.files.count(base + name) > 0;
      if (!is_read || is_ours) continue;
      effects.tell(
          "file " + base + name,
          fmt::format(
              "no document has it, and {}; put what it says into the inventory, and remove it",
              folder.what));
    }
  }
}

}  // namespace muster
