// What a run of the agent may do to what runs.
#pragma once

namespace muster {

enum class RunKind {
  boot,     // this boot has not converged yet: nobody is disturbed by a restart
  running,  // only what restarts nothing; the rest is pending
  ordered,  // a running machine whose turn it is
};

}  // namespace muster
