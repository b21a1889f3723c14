// One artifact by its digest, from whichever source has it. Bytes lie in PATH.part until they are
// complete and verified; an interrupted download goes on where it stopped. A source that has a zstd
// form sends that one, which is unpacked and hashed as it arrives; where it is no good, the same
// source is asked for plain bytes.
#pragma once

#include <string>
#include <vector>

#include "agent/host/host.hpp"
#include "agent/server.hpp"

namespace muster {

struct Wanted {
  std::string digest;
  std::uint64_t size = 0;  // 0: not known (a manifest), at most 4 MiB
};

// A no-op when `path` already has these bytes. corrupt: a source sent others ("expected digest,
// found digest"; the bytes are gone); unavailable: no source answered, with each one's error.
// Thread-safe for different paths.
[[nodiscard]] Result<void> download(Host& host, Network& network,
                                    const std::vector<std::string>& sources, const Wanted& wanted,
                                    const std::string& path, std::uint32_t mode);

}  // namespace muster
