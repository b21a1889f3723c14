#include "agent/run/full_disks.hpp"

#include <array>
#include <set>
#include <vector>

namespace muster {
namespace {

// Folders that converging and the components write to, each maybe on a file system of its own.
constexpr std::array written = {
    "/var/lib/muster",  "/opt/muster",   "/etc",     "/var/lib/containerd",
    "/var/lib/kubelet", "/var/lib/etcd", "/var/log", "/run"};

std::string size_text(std::uint64_t bytes) {
  return bytes >= (1u << 30) ? fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1u << 30))
                             : fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1u << 20));
}

}  // namespace

std::string full_disks(const Filesystem& files, std::uint64_t least, const std::string& failed) {
  std::string text;
  std::set<std::uint64_t> seen;
  std::vector<std::string> folders(written.begin(), written.end());
  // What could not be written may lie on a file system of its own.
  folders.push_back(failed.substr(0, failed.find_last_of('/')));
  for (const std::string& folder : folders) {
    if (folder.empty()) continue;
    const auto space = files.space(folder);
    if (!space || !seen.insert(space->device).second) continue;
    const std::string comma = text.empty() ? "" : ", ";
    if (space->free_files == 0) {
      text += fmt::format("{}{} (no file more fits)", comma, folder);
    } else if (space->free < least) {
      text += fmt::format("{}{} ({} of {} free)", comma, folder, size_text(space->free),
                          size_text(space->size));
    }
  }
  return text;
}

}  // namespace muster
