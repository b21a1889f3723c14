#include "agent/foundation/release_staging.hpp"

#include <set>

#include "agent/paths.hpp"

namespace muster {
namespace {

class Sweep {
 public:
  Sweep(Filesystem& files, std::string top) : files_(files), top_(std::move(top)) {}

  // Paths begin with a slash, at the top.
  void keep(const std::string& path) {
    kept_.insert(path);
    for (auto at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
      folders_.insert(path.substr(0, at));
    }
  }

  // `folder`: below the top, with a slash before it, or empty.
  Result<void> run(const std::string& folder = "") {
    const auto names = files_.list(top_ + folder);
    if (!names) return pass(names.error());
    for (const auto& name : *names) {
      if (auto swept = sweep(folder + "/" + name); !swept) return swept;
    }
    return {};
  }

 private:
  Result<void> sweep(const std::string& path) {
    const auto status = files_.status(top_ + path);
    if (!status) return pass(status.error());
    if (status->type == FileStatus::Type::file && kept_.contains(path)) return {};
    const bool is_on_the_way =
        status->type == FileStatus::Type::directory && folders_.contains(path);
    return is_on_the_way ? run(path) : files_.remove(top_ + path);
  }

  Filesystem& files_;
  const std::string top_;
  std::set<std::string> kept_, folders_;
};

}  // namespace

std::string staging_of(const ReleaseReference& reference) {
  return fmt::format("{}/{}/.{}.new", paths::releases, reference.name, reference.version);
}

Result<void> keep_only(Filesystem& files, const ReleaseReference& reference, const Release& release,
                       bool incoming) {
  Sweep sweep(files, staging_of(reference));
  sweep.keep("/release.json");
  for (const auto& artifact : release.artifacts) {
    sweep.keep("/" + artifact.path);
    if (incoming) sweep.keep("/" + artifact.path + ".part");
  }
  return sweep.run();
}

}  // namespace muster
