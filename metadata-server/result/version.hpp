// The version of what was built, for `--version`, reports and releases.
#pragma once

namespace muster {

// "0.3.0-276-g1c83496": the project's version, how many commits its source has and the last one of
// them, so that what was built later sorts later (document/release_version.hpp). "0.3.0" where the
// source came without its history.
extern const char* const program_version;

}  // namespace muster
