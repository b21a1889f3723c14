#include "agent/packages.hpp"

#include <sstream>

#include "agent/paths.hpp"

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

// Masked before they are installed, so that neither the package's scripts nor the next boot start
// them.
Result<void> mask_units(Host& host, Checkpoint& checkpoint, const Package& package) {
  auto listing = run(host, {dpkg_deb, "--contents", package.file});
  if (!listing) return pass(listing.error());
  std::istringstream lines(*listing);
  for (std::string line; std::getline(lines, line);) {
    const std::string unit = unit_in(line);
    if (unit.empty()) continue;
    const std::string path = std::string(units_folder) + "/" + unit;
    if (host.files.status(path)) continue;
    checkpoint.created.insert(path);
    if (auto masked = host.files.link(path, "/dev/null"); !masked) return masked;
  }
  return {};
}

}  // namespace

std::map<std::string, std::string> installed_packages(const Filesystem& files) {
  std::map<std::string, std::string> packages;
  const auto text = files.read("/var/lib/dpkg/status", 64u << 20);
  if (!text) return packages;
  std::istringstream lines(*text);
  std::string package;
  bool is_installed = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("Package: ", 0) == 0) package = line.substr(9);
    if (line.rfind("Status: ", 0) == 0) is_installed = line == "Status: install ok installed";
    if (is_installed && line.rfind("Version: ", 0) == 0) packages[package] = line.substr(9);
    if (line.empty()) is_installed = false;
  }
  return packages;
}

Result<std::map<std::string, std::string>> install_packages(Host& host, Checkpoint& checkpoint,
                                                            const Release& release,
                                                            const std::string& folder) {
  std::vector<Package> packages;
  for (const auto& artifact : release.artifacts) {
    if (artifact.kind != ArtifactKind::deb) continue;
    auto package = read_package(host, folder + "/" + artifact.path);
    if (!package) return pass(package.error());
    packages.push_back(*package);
  }
  std::map<std::string, std::string> versions;
  std::vector<std::string> arguments{"/usr/bin/dpkg", "--install", "--force-confold",
                                     "--force-confdef"};
  const auto installed = installed_packages(host.files);
  const std::size_t fixed = arguments.size();
  for (const auto& package : packages) {
    versions[package.name] = package.version;
    const auto found = installed.find(package.name);
    if (found != installed.end() && found->second == package.version) continue;
    if (found == installed.end()) {
      checkpoint.packages.insert(package.name);
      if (auto masked = mask_units(host, checkpoint, package); !masked) return pass(masked.error());
    }
    arguments.push_back(package.file);
  }
  if (arguments.size() == fixed) return versions;
  // Known before dpkg runs: `reset` must find it even if the power goes now.
  if (auto saved = save(checkpoint, host.files); !saved) return pass(saved.error());
  if (auto done = run_unconfined(host, arguments, std::chrono::minutes(5)); !done) {
    return pass(done.error());
  }
  return versions;
}

Result<void> run_unconfined(Host& host, const std::vector<std::string>& arguments,
                            std::chrono::milliseconds timeout) {
  ProcessRequest request;
  request.arguments = {"/usr/bin/systemd-run",
                       "--quiet",
                       "--wait",
                       "--pipe",
                       "--collect",
                       "--service-type=exec",
                       "--setenv=DEBIAN_FRONTEND=noninteractive",
                       "--"};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  request.timeout = timeout;
  auto outcome = host.process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status == 0) return {};
  return fail(ErrorKind::invalid,
              fmt::format("'{}' ended with {}: {}{}", fmt::join(arguments, " "),
                          outcome->exit_status, outcome->error, outcome->output));
}

}  // namespace muster
