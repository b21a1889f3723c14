// Where `release import` takes a release from: a folder, or the same files below a URL.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "document/release.hpp"
#include "result/result.hpp"

namespace muster {

struct ReleaseSource {
  Release release;
  // A local file with the artifact's bytes; one at a time: the next call may replace it. The server
  // verifies the digest.
  std::function<Result<std::string>(const Artifact&)> file;
};

// DIR with release.json (artifact/release_folder), or http(s)://HOST[:PORT]/PATH, below which
// release.json and its files lie as in such a folder. https is verified with the system's
// authorities; no redirects. At most one file at a time lies in $TMPDIR, removed with the source.
[[nodiscard]] Result<ReleaseSource> open_release_source(const std::string& place);

}  // namespace muster
