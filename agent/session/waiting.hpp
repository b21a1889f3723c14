// A machine that waits for somebody elsewhere to let it in. Waiting is not failing: the service is
// READY, its status line, the login prompt of the machine's consoles (issue(5)) and `muster-agent
// status` say what it waits for, and the journal has it once, and then rarely. Not thread-safe.
#pragma once

#include <string>

#include "agent/run/run.hpp"

namespace muster {

class Waiting {
 public:
  explicit Waiting(Run& run) : run_(run) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  // It waits no more, for whatever reason.
  ~Waiting();
  // At each answer that lets it wait on. The service waits as long as it takes: its deadline is for
  // the work after that.
  void tell(const std::string& what_for);

 private:
  Run& run_;
  std::string told_;
  std::chrono::nanoseconds tell_again_{0};  // CLOCK_BOOTTIME
};

// What the machine waits for; empty: for nothing.
[[nodiscard]] std::string waiting_for(const Filesystem& files);

}  // namespace muster
