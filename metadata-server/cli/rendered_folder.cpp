#include "cli/rendered_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>

#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace fs = std::filesystem;

Result<void> write_below(const std::string& folder, const std::vector<RenderedFile>& files) {
  for (const RenderedFile& file : files) {
    const fs::path path = fs::path(folder) / fs::path(file.path).relative_path();
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    if (failed)
      return fail_errno(failed.value(), fmt::format("creating '{}'", path.parent_path().string()));
    const FileDescriptor out(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file.mode));
    if (!out.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path.string()));
    if (auto written = write_all(out.get(), file.content, path.string()); !written) return written;
  }
  return {};
}

Result<MachineRoot> MachineRoot::make() {
  const char* folder = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/muster-XXXXXX", folder == nullptr ? "/tmp" : folder);
  if (::mkdtemp(path.data()) == nullptr)
    return fail_errno(errno, fmt::format("creating '{}'", path));
  return MachineRoot(std::move(path));
}

MachineRoot::~MachineRoot() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace muster
