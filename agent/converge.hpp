// The steps of a converge, in their order (reconcile.cpp). Each reads what those before it found
// out.
#pragma once

#include <optional>

#include "agent/fetch.hpp"
#include "agent/plan.hpp"
#include "agent/run.hpp"

namespace muster {

// Grows from step to step; outlives a failure, so that it can be reported.
struct Picture {
  Facts facts;
  std::optional<Session> session;
  std::unique_ptr<Server> witness;  // hears of a wrong clock, with which no session opens
  Fetched fetched;
  DesiredState desired;
  RunKind kind = RunKind::boot;
  EtcdTurnAnswer etcd_turn;  // `action` is empty where no turn is needed
  std::optional<Plan> plan;  // for `build`, where nothing happened since it was made
  std::vector<std::string> pending;
  bool changed = false;
};

// Facts, trust, identity, documents.
[[nodiscard]] Step<> look(Run& run, Picture& picture);
// Document, peers and facts -> desired state.
[[nodiscard]] Step<> wish(Run& run, Picture& picture);
// Whether this machine is the one of the document and fit for it.
[[nodiscard]] Step<> inspect(Run& run, Picture& picture);
// Releases, certificates and secrets: what needs none of the machine's own services.
[[nodiscard]] Step<> lay_foundation(Run& run, Picture& picture);
// On a control plane without a member: the server's decision, and what follows from it.
[[nodiscard]] Step<> take_etcd_turn(Run& run, Picture& picture);
// Files, images, units.
[[nodiscard]] Step<> build(Run& run, Picture& picture);
// Ready, as the cluster sees it; then the checkpoint says so.
[[nodiscard]] Step<> settle(Run& run, Picture& picture);

// Desired against observed.
[[nodiscard]] Step<Plan> plan_for(Run& run, const Picture& picture);

}  // namespace muster
