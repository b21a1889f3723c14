// Runs programs in their own process group, without a shell and without inherited descriptors.
// Thread-safe.
#pragma once

#include "agent/host/host.hpp"

namespace muster {

class PosixProcess final : public Process {
 public:
  // not_found: no such program; timeout: the deadline passed and the whole group was killed (the
  // message carries the last of its output); exhausted: more output than the limit, killed
  // likewise.
  [[nodiscard]] Result<ProcessOutcome> run(const ProcessRequest& request) override;
};

}  // namespace muster
