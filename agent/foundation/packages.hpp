// Debian packages of a release. A version is a minimum: what the distribution updated is never
// taken back. What Muster did not install is left alone. The packages' own services are masked
// first and never start.
#pragma once

#include <map>
#include <string>

#include "agent/foundation/dpkg.hpp"
#include "agent/state/checkpoint.hpp"
#include "document/release.hpp"

namespace muster {

// Of packages that a release brought, the first that is not there whole, in its version or a later
// one: "package nftables 1.0.6-2 is not installed"; empty: none.
[[nodiscard]] std::string missing_package(const Filesystem& files,
                                          const std::map<std::string, std::string>& versions);

// Installs the .debs of the release that lies at `folder` (already verified), all by one dpkg run,
// which is left out when there is nothing to install. Answers package -> version. Records in the
// checkpoint what was not there before, and in which version it was put there. A package that
// Muster put there gets exactly the release's version, also an older one, unless the distribution
// has updated it since. conflict: dpkg's lock is held, or somebody else's package is unfinished.
// invalid: dpkg failed, or somebody else's package is too old; the message has the cure.
[[nodiscard]] Result<std::map<std::string, std::string>> install_packages(Host& host,
                                                                          Checkpoint& checkpoint,
                                                                          const Release& release,
                                                                          const std::string& folder,
                                                                          const Narrate& narrate);

}  // namespace muster
