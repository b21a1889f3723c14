// What every phase of one converge shares. Plain references; one thread.
#pragma once

#include "agent/deadline.hpp"
#include "agent/host/host.hpp"
#include "agent/run/memory.hpp"
#include "agent/run/report.hpp"
#include "agent/run/settings.hpp"
#include "agent/server.hpp"
#include "agent/state/checkpoint.hpp"
#include "machine/facts.hpp"

namespace muster {

inline constexpr std::chrono::minutes boot_deadline{10};  // of one whole converge

struct Run {
  Host& host;
  Network& network;
  const Settings& settings;
  Checkpoint& checkpoint;
  Reporter& reporter;
  Deadline deadline;     // of the whole run
  bool verify = false;   // hash every file of every release again
  bool ordered = false;  // an operator gave this running machine its turn: restart what must
  Memory& memory;
  bool is_service = false;  // not a person's command: waits for an approval as long as it takes
};

}  // namespace muster
