// Debian packages of a release. dpkg needs rights that the agent does not have, so it runs in a
// transient unit of systemd's; the packages' own services are masked first and never start.
#pragma once

#include <map>
#include <string>

#include "agent/checkpoint.hpp"
#include "agent/host/host.hpp"
#include "document/release.hpp"

namespace muster {

// Package -> version, from /var/lib/dpkg/status.
[[nodiscard]] std::map<std::string, std::string> installed_packages(const Filesystem& files);

// Installs the .debs of the release that lies at `folder` (already verified), all by one dpkg run;
// skips it when every one is installed in its version. Answers package -> version. Records in the
// checkpoint what was not there before.
[[nodiscard]] Result<std::map<std::string, std::string>> install_packages(
    Host& host, Checkpoint& checkpoint, const Release& release, const std::string& folder);

// A program in a transient unit, outside the agent's sandbox, waited for. io carries its last
// output.
[[nodiscard]] Result<void> run_unconfined(Host& host, const std::vector<std::string>& arguments,
                                          std::chrono::milliseconds timeout);

}  // namespace muster
