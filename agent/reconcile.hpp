// The whole story of a converge: fetch, verify, observe, plan, apply, report.
#pragma once

#include <optional>
#include <string>

#include "agent/action.hpp"
#include "agent/run/run.hpp"
#include "agent/session/fetch.hpp"
#include "document/tombstone.hpp"

namespace muster {

struct Outcome {
  Verdict verdict = Verdict::failed;
  FailureClass failure = FailureClass::document;  // of a failed one
  std::string message;
  std::string refused;             // by the server, which will not have this machine: its words
  bool changed = false;            // something was written or started
  bool is_up = false;              // the machine was Ready in this boot, by whichever document
  Fetched fetched;                 // the newest document; empty when nothing could be fetched
  ReportAnswer answer;             // what the server wants next
  std::optional<Tombstone> ended;  // the machine's cluster has ended, which nothing else overrules
};

// Converges the machine once and reports, also when it failed. Idempotent: with nothing changed it
// writes nothing outside paths::state and restarts nothing. Where a tombstone is kept, or comes,
// nothing is done; `obey` (tombstone.hpp) is the caller's.
[[nodiscard]] Outcome reconcile(Run& run);

// The plan that `reconcile` would start with; nothing is touched but the caches. Asks the server.
[[nodiscard]] ConvergeResult<Plan> preview(Run& run);

}  // namespace muster
