#include "agent/foundation/dpkg.hpp"

#include <fmt/ranges.h>

#include <sstream>

#include "document/field_syntax.hpp"

namespace muster {
namespace {

constexpr std::string_view status_field = "Status: ";

// "Status: install ok half-configured": the third word.
std::string_view last_word_of(std::string_view line) {
  return line.substr(line.find_last_of(' ') + 1);
}

// "dpkg: error: dpkg frontend lock was locked by another process with pid 812" -> "process 812
// (unattended-upgr)"; empty: it says nothing of a lock.
std::string holder_of_lock(const Filesystem& files, std::string_view output) {
  constexpr std::string_view words = "was locked by another process", pid = " with pid ";
  const auto found = output.find(words);
  if (found == std::string_view::npos) return {};
  output.remove_prefix(found + words.size());
  if (!output.starts_with(pid)) return "another process";
  output.remove_prefix(pid.size());
  std::string number;
  while (!output.empty() && is_digit(output.front()) && number.size() < 10) {
    number += output.front();
    output.remove_prefix(1);
  }
  auto name = files.read(fmt::format("/proc/{}/comm", number), 64);
  if (!name) return fmt::format("process {}", number);
  std::erase(*name, '\n');
  return fmt::format("process {} ({})", number, *name);
}

}  // namespace

std::map<std::string, InstalledPackage> installed_packages(const Filesystem& files) {
  std::map<std::string, InstalledPackage> packages;
  const auto text = files.read("/var/lib/dpkg/status", 64u << 20);
  if (!text) return packages;
  std::istringstream lines(*text);
  std::string package, state;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Package: ")) package = line.substr(9);
    if (line.starts_with(status_field)) state = std::string(last_word_of(line));
    const bool is_there = !state.empty() && state != "config-files" && state != "not-installed";
    if (is_there && line.starts_with("Version: ")) {
      packages[package] = {line.substr(9), state == "installed"};
    }
    if (line.empty()) state.clear();
  }
  return packages;
}

Result<void> run_dpkg(Host& host, const std::vector<std::string>& arguments) {
  ProcessRequest request;
  // Its words are read: they must not depend on the machine's language.
  request.arguments = {"/usr/bin/systemd-run",
                       "--quiet",
                       "--wait",
                       "--pipe",
                       "--collect",
                       "--service-type=exec",
                       "--setenv=DEBIAN_FRONTEND=noninteractive",
                       "--setenv=LC_ALL=C.UTF-8",
                       "--",
                       "/usr/bin/dpkg"};
  request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
  request.timeout = std::chrono::minutes(5);
  auto outcome = host.process.run(request);
  if (!outcome) return pass(outcome.error());
  if (outcome->exit_status == 0) return {};
  if (const auto holder = holder_of_lock(host.files, outcome->error); !holder.empty()) {
    return fail(ErrorKind::conflict, fmt::format("dpkg's lock is held by {}", holder));
  }
  return fail(ErrorKind::invalid,
              fmt::format("'dpkg {}' ended with {}: {}{}", fmt::join(arguments, " "),
                          outcome->exit_status, outcome->error, outcome->output));
}

Result<void> await_dpkg(Host& host, const Narrate& narrate,
                        const std::function<Result<void>()>& attempt) {
  constexpr std::chrono::seconds pause(2);
  const auto end = host.clock.since_boot() + patience_with_dpkg;
  for (bool is_told = false;; is_told = true) {
    auto done = attempt();
    if (done || done.error().kind != ErrorKind::conflict) return done;
    if (host.clock.since_boot() >= end) {
      return fail(ErrorKind::conflict,
                  fmt::format("{}, waited {} s; it is tried again at the next poll",
                              done.error().message, patience_with_dpkg.count()));
    }
    if (!is_told) {
      narrate(
          fmt::format("{}; waiting up to {} s", done.error().message, patience_with_dpkg.count()));
    }
    host.clock.sleep(pause);
  }
}

}  // namespace muster
