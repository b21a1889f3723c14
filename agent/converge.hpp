// The steps of a converge, in their order (reconcile.cpp). Each reads what those before it found
// out.
#pragma once

#include <optional>

#include "agent/fetch.hpp"
#include "agent/plan.hpp"
#include "agent/run.hpp"

namespace muster {

// Grows from step to step; outlives a failure, so that it can be reported.
struct ConvergeState {
  Facts facts;
  std::optional<Session> session;
  std::unique_ptr<Server> witness;  // hears of a wrong clock, with which no session opens
  Fetched fetched;
  DesiredState desired;
  RunKind kind = RunKind::boot;
  EtcdTurnAnswer etcd_turn;  // `action` is empty where no turn is needed
  std::optional<Plan> plan;  // for `apply_rest`, where nothing happened since it was made
  std::vector<std::string> pending;
  bool changed = false;
};

// Facts, trust, identity, documents.
[[nodiscard]] ConvergeResult<> fetch_documents(Run& run, ConvergeState& state);
// Document, peers and facts -> desired state.
[[nodiscard]] ConvergeResult<> derive_desired(Run& run, ConvergeState& state);
// Whether this machine is the one of the document and fit for it.
[[nodiscard]] ConvergeResult<> preflight(Run& run, ConvergeState& state);
// Releases, certificates and secrets: what needs none of the machine's own services.
[[nodiscard]] ConvergeResult<> install_foundation(Run& run, ConvergeState& state);
// On a control plane without a member: the server's decision, and what follows from it.
[[nodiscard]] ConvergeResult<> join_etcd(Run& run, ConvergeState& state);
// Files, images, units.
[[nodiscard]] ConvergeResult<> apply_rest(Run& run, ConvergeState& state);
// Ready, as the cluster sees it; then the checkpoint says so.
[[nodiscard]] ConvergeResult<> await_ready(Run& run, ConvergeState& state);

// Desired against observed.
[[nodiscard]] ConvergeResult<Plan> plan_for(Run& run, const ConvergeState& state);

}  // namespace muster
