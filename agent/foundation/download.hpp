// One artifact by its digest, from whichever source has it. Bytes lie in PATH.part until they are
// complete and verified; an interrupted download goes on where it stopped, whoever sent what is
// there. A source that has a zstd form sends that one, which is unpacked and hashed as it arrives.
// Where a coding, or bytes that are not all of one answer, may be to blame for what is wrong, the
// same source is asked once more: from the start, for plain bytes. Nobody is refused for what
// another one sent. A source whose line breaks is asked three times; one that stalls once, and from
// then on after all others.
#pragma once

#include <string>

#include "agent/foundation/source_order.hpp"
#include "agent/host/host.hpp"
#include "agent/server.hpp"

namespace muster {

struct Wanted {
  std::string digest;
  std::uint64_t size = 0;  // 0: not known (a manifest), at most 4 MiB
};

// A no-op when `path` already has these bytes. corrupt: a source sent others ("expected digest,
// found digest"; the bytes are gone); unavailable: no source answered, with each one's error. What
// of the names PATH and PATH.part is no regular file is removed.
// Thread-safe for different paths.
[[nodiscard]] Result<void> download(Host& host, Network& network, SourceOrder& sources,
                                    const Wanted& wanted, const std::string& path,
                                    std::uint32_t mode);

}  // namespace muster
