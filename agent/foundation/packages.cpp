#include "agent/foundation/packages.hpp"

#include <fmt/ranges.h>

#include <sstream>

#include "agent/foundation/debian_version.hpp"

namespace muster {
namespace {

constexpr const char* dpkg_deb = "/usr/bin/dpkg-deb";
constexpr const char* units_folder = "/etc/systemd/system";

struct Package {
  std::string name, version, file;
};

Result<std::string> run(Host& host, std::vector<std::string> arguments) {
  ProcessRequest request;
  request.arguments = std::move(arguments);
  auto outcome = host.process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status != 0) {
    return fail(ErrorKind::io,
                fmt::format("'{}' ended with {}: {}", fmt::join(request.arguments, " "),
                            outcome->exit_status, outcome->error));
  }
  return outcome->output;
}

Result<Package> read_package(Host& host, const std::string& file) {
  auto fields = run(host, {dpkg_deb, "--showformat=${Package} ${Version}", "--show", file});
  if (!fields) return pass(fields.error());
  Package package;
  package.file = file;
  std::istringstream stream(*fields);
  stream >> package.name >> package.version;
  if (package.version.empty()) {
    return fail(ErrorKind::corrupt, fmt::format("'{}': expected a Debian package", file));
  }
  return package;
}

// ".../lib/systemd/system/haproxy.service" -> "haproxy.service"
std::string unit_in(const std::string& line) {
  constexpr std::string_view folder = "lib/systemd/system/";
  const auto at = line.find(folder);
  if (at == std::string::npos) return {};
  const std::string rest = line.substr(at + folder.size());
  const bool is_unit = rest.find('/') == std::string::npos && rest.find('@') == std::string::npos &&
                       rest.find('.') != std::string::npos && rest.find(' ') == std::string::npos;
  return is_unit ? rest : std::string();
}

// Where masks of its units go; no path that is taken.
Result<std::vector<std::string>> masks_of(Host& host, const Package& package) {
  auto listing = run(host, {dpkg_deb, "--contents", package.file});
  if (!listing) return pass(listing.error());
  std::vector<std::string> paths;
  std::istringstream lines(*listing);
  for (std::string line; std::getline(lines, line);) {
    const std::string unit = unit_in(line);
    const std::string path = std::string(units_folder) + "/" + unit;
    if (!unit.empty() && !host.files.status(path)) paths.push_back(path);
  }
  return paths;
}

// Who put it there decides: an agent of today or its image, by what was noted then.
bool is_ours(const Checkpoint& checkpoint, const std::string& name) {
  return name == "muster-agent" || checkpoint.package_versions.contains(name);
}

bool is_good_enough(const Checkpoint& checkpoint, const Package& wanted,
                    const std::string& version) {
  const int age = compare_debian_versions(version, wanted.version);
  const auto put = checkpoint.package_versions.find(wanted.name);
  const bool is_as_it_was_put = put != checkpoint.package_versions.end() && put->second == version;
  return age == 0 || (age > 0 && !is_as_it_was_put);
}

// Of those that the release has, what dpkg is to be given.
Result<std::vector<Package>> packages_to_install(const Host& host, const Checkpoint& checkpoint,
                                                 const std::vector<Package>& packages) {
  const auto installed = installed_packages(host.files);
  std::vector<Package> wanted;
  std::vector<std::string> unfinished, old, names;
  for (const auto& package : packages) {
    const auto found = installed.find(package.name);
    const bool is_there = found != installed.end();
    const bool is_whole = is_there && found->second.is_whole;
    if (!is_there || is_ours(checkpoint, package.name)) {
      if (!is_whole || !is_good_enough(checkpoint, package, found->second.version)) {
        wanted.push_back(package);
      }
    } else if (!is_whole) {
      unfinished.push_back(package.name);
    } else if (!is_good_enough(checkpoint, package, found->second.version)) {
      old.push_back(fmt::format("{} {} (expected {} or later)", package.name, found->second.version,
                                package.version));
      names.push_back(package.name);
    }
  }
  if (!unfinished.empty()) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "packages that Muster did not install are not whole: {}; if nobody installs them now: dpkg --configure -a",
            fmt::join(unfinished, ", ")));
  }
  if (!old.empty()) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "packages that Muster did not install are left alone, and too old: {}; on the machine: apt-get update && apt-get install --only-upgrade {}",
            fmt::join(old, ", "), fmt::join(names, " ")));
  }
  return wanted;
}

// Notes and masks, durable before dpkg runs: `reset` must find them even if the power goes then.
// Taken back when dpkg did nothing, since somebody else may install the same package meanwhile.
class Preparation {
 public:
  Preparation(Host& host, Checkpoint& checkpoint) : host_(host), checkpoint_(checkpoint) {}

  Result<void> prepare(const std::vector<Package>& wanted) {
    const auto installed = installed_packages(host_.files);
    for (const auto& package : wanted) {
      if (!installed.contains(package.name)) {
        auto masks = masks_of(host_, package);
        if (!masks) return pass(masks.error());
        if (checkpoint_.packages.insert(package.name).second) packages_.push_back(package.name);
        masks_.insert(masks_.end(), masks->begin(), masks->end());
      }
      if (checkpoint_.package_versions.emplace(package.name, "").second) {
        versions_.push_back(package.name);
      }
    }
    for (const auto& path : masks_) checkpoint_.created.insert(path);
    if (auto saved = save(checkpoint_, host_.files); !saved) return saved;
    for (const auto& path : masks_) {
      if (auto masked = host_.files.link(path, "/dev/null"); !masked) return masked;
    }
    return {};
  }

  Result<void> take_back() {
    for (const auto& path : masks_) {
      if (auto removed = host_.files.remove(path); !removed) return removed;
      checkpoint_.created.erase(path);
    }
    for (const auto& name : packages_) checkpoint_.packages.erase(name);
    for (const auto& name : versions_) checkpoint_.package_versions.erase(name);
    return save(checkpoint_, host_.files);
  }

 private:
  Host& host_;
  Checkpoint& checkpoint_;
  std::vector<std::string> packages_, versions_, masks_;  // that were not noted before
};

// Looks at the machine anew each time: whoever held the lock may have changed it.
Result<void> try_install(Host& host, Checkpoint& checkpoint, const std::vector<Package>& packages) {
  const auto wanted = packages_to_install(host, checkpoint, packages);
  if (!wanted) return pass(wanted.error());
  if (wanted->empty()) return {};
  std::vector<std::string> arguments{"--install", "--force-confold", "--force-confdef"};
  for (const auto& package : *wanted) arguments.push_back(package.file);
  Preparation preparation(host, checkpoint);
  if (auto prepared = preparation.prepare(*wanted); !prepared) return prepared;
  auto done = run_dpkg(host, arguments);
  if (!done && done.error().kind == ErrorKind::conflict) {
    if (auto taken = preparation.take_back(); !taken) return taken;
  }
  if (!done) return done;
  for (const auto& package : *wanted) checkpoint.package_versions[package.name] = package.version;
  return {};
}

}  // namespace

std::string missing_package(const Filesystem& files,
                            const std::map<std::string, std::string>& versions) {
  if (versions.empty()) return {};
  const auto installed = installed_packages(files);
  for (const auto& [name, version] : versions) {
    const auto found = installed.find(name);
    const bool is_there = found != installed.end() && found->second.is_whole &&
                          compare_debian_versions(found->second.version, version) >= 0;
    if (!is_there) return fmt::format("package {} {} is not installed", name, version);
  }
  return {};
}

Result<std::map<std::string, std::string>> install_packages(Host& host, Checkpoint& checkpoint,
                                                            const Release& release,
                                                            const std::string& folder,
                                                            const Narrate& narrate) {
  std::vector<Package> packages;
  std::map<std::string, std::string> versions;
  for (const auto& artifact : release.artifacts) {
    if (artifact.kind != ArtifactKind::deb) continue;
    auto package = read_package(host, folder + "/" + artifact.path);
    if (!package) return pass(package.error());
    packages.push_back(*package);
    versions[package->name] = package->version;
  }
  auto installed =
      await_dpkg(host, narrate, [&] { return try_install(host, checkpoint, packages); });
  if (!installed) return pass(installed.error());
  return versions;
}

}  // namespace muster
