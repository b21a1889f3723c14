#include "agent/footprint.hpp"

#include <algorithm>
#include <sstream>

#include "agent/foundation/artifacts.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

std::string original_of(const std::string& path) {
  return std::string(paths::originals) + path;
}

// The first part of the path that is not there; empty when all of it is.
std::string topmost_missing(const Filesystem& files, const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    std::string part = path.substr(0, at);
    if (!files.status(part)) return part;
    if (at == std::string::npos) return {};
  }
}

class Recorder {
 public:
  Recorder(Checkpoint& checkpoint, Filesystem& files) : checkpoint_(checkpoint), files_(files) {}

  Result<void> file(const std::string& path) {
    if (checkpoint_.files.count(path) > 0) return {};
    const auto status = files_.status(path);
    if (status && status->type == FileStatus::Type::file) {
      if (auto kept = keep(path, *status); !kept) return kept;
    } else {
      made(path);
    }
    checkpoint_.files.insert(path);
    return {};
  }

  // The values of the kernel's parameters before ours, in the words of sysctl.d.
  Result<void> parameters(const std::string& wanted) {
    const auto before = files_.read(kept_parameters());
    std::string kept = before ? *before : std::string();
    std::istringstream lines(wanted);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t start = line.rfind('-', 0) == 0 ? 1 : 0;
      const std::string name = line.substr(start, line.find(' ') - start);
      // Not being able to set one back is no reason to leave the others.
      const std::string row = fmt::format("-{} = ", name);
      if (name.empty() || kept.find(row) != std::string::npos) continue;
      std::string path = name;
      std::replace(path.begin(), path.end(), '.', '/');
      const auto value = files_.read("/proc/sys/" + path);
      if (value) kept += row + value->substr(0, value->find('\n')) + "\n";
    }
    if (before && *before == kept) return {};
    if (auto done = files_.make_directory(paths::originals, 0700); !done) return done;
    return files_.write(kept_parameters(), kept, 0600);
  }

  void made(const std::string& path) {
    const std::string missing = topmost_missing(files_, path);
    if (!missing.empty()) checkpoint_.created.insert(missing);
  }

 private:
  Result<void> keep(const std::string& path, const FileStatus& status) {
    const auto content = files_.read(path, 16u << 20);
    if (!content) return pass(content.error());
    const std::string original = original_of(path);
    const std::string folder = original.substr(0, original.find_last_of('/'));
    if (auto done = files_.make_directory(paths::state, paths::state_mode); !done) return done;
    if (auto done = files_.make_directory(folder, 0700); !done) return done;
    if (auto done = files_.write(original, *content, status.mode, status.owner); !done) return done;
    checkpoint_.originals.insert(path);
    return {};
  }

  Checkpoint& checkpoint_;
  Filesystem& files_;
};

}  // namespace

std::string kept_parameters() {
  return std::string(paths::originals) + "/kernel-parameters.conf";
}

Result<void> record_footprint(const Plan& plan, Checkpoint& checkpoint, Filesystem& files) {
  Recorder record(checkpoint, files);
  const auto size = [&checkpoint] {
    return checkpoint.files.size() + checkpoint.created.size() + checkpoint.originals.size();
  };
  const auto before = size();
  for (const auto& planned : plan.actions) {
    if (const auto* write = std::get_if<WriteFile>(&planned.action)) {
      if (auto done = record.file(write->file.path); !done) return done;
      if (write->file.path != paths::kernel_sysctl) continue;
      if (auto done = record.parameters(write->file.content); !done) return done;
    } else if (const auto* fetch = std::get_if<FetchSecret>(&planned.action)) {
      if (auto done = record.file(fetch->secret.path); !done) return done;
    } else if (const auto* make = std::get_if<MakeDirectory>(&planned.action)) {
      record.made(make->directory.path);
    } else if (const auto* obtain = std::get_if<ObtainCertificates>(&planned.action)) {
      for (const auto& spec : obtain->certificates) record.made(spec.path);
    } else if (const auto* install = std::get_if<InstallRelease>(&planned.action)) {
      record.made(release_folder(install->release));
      record.made(std::string(paths::current) + "/" + install->release.name);
    } else if (const auto* bring = std::get_if<BringReleases>(&planned.action)) {
      for (const auto& release : bring->releases) record.made(release_folder(release));
    }
  }
  // All of it is on record: a full disk is no reason to leave a ban or a route undone.
  return size() == before ? Result<void>() : save(checkpoint, files);
}

Result<void> restore_original(Filesystem& files, Checkpoint& checkpoint, const std::string& path) {
  if (checkpoint.originals.count(path) == 0) return files.remove(path);
  const std::string original = original_of(path);
  const auto status = files.status(original);
  if (!status) return pass(status.error());
  const auto content = files.read(original, 16u << 20);
  if (!content) return pass(content.error());
  if (auto wrote = files.write(path, *content, status->mode, status->owner); !wrote) return wrote;
  checkpoint.originals.erase(path);
  return files.remove(original);
}

}  // namespace muster
