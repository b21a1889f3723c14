// The steps of a converge, in their order (reconcile.cpp). Each reads what those before it found
// out.
#pragma once

#include <optional>

#include "agent/disturbance.hpp"
#include "agent/fallback.hpp"
#include "agent/plan.hpp"
#include "agent/run/run.hpp"
#include "agent/session/fetch.hpp"

namespace muster {

// Grows from step to step; outlives a failure, so that it can be reported.
struct ConvergeState {
  Facts facts;
  std::optional<Session> session;
  std::unique_ptr<Server> witness;  // hears of a wrong clock, where no session opens
  Fetched fetched;
  // What this run goes by: the newest document, or, where that was refused, the settled one with
  // what always follows the newest (fallback.hpp).
  NodeDocument document;
  std::optional<Fallback> way_back;  // where one is, whether it is taken or not
  bool is_fallen_back = false;
  DesiredState desired;
  std::string desired_digest;  // of what its units are started with (observed_state.hpp)
  RunKind kind = RunKind::boot;
  EtcdTurnAnswer etcd_turn;  // `action` is empty where no turn is needed
  std::optional<Plan> plan;  // for `apply_rest`, where nothing happened since it was made
  std::vector<std::string> pending;
  std::vector<std::string> next_boot;  // pending too, and no reason not to settle
  std::vector<Failure> failures;       // that stopped nothing (repair.hpp)
  Disturbances disturbances;           // of the units, by others than the agent
  std::optional<Failure> not_ready;    // of a machine that runs: unwell, and no failure
  std::vector<HealthProblem> unwell;   // each subject once
  bool changed = false;

  [[nodiscard]] bool waits() const { return !pending.empty() || !next_boot.empty(); }
  void add_unwell(const std::vector<HealthProblem>& problems);
  [[nodiscard]] Server* server() const { return session->server.get(); }  // nullptr: away
};

// Facts, trust, identity, documents.
[[nodiscard]] ConvergeResult<> fetch_documents(Run& run, ConvergeState& state);
// Document, peers and facts -> desired state. Which document: see ConvergeState.
[[nodiscard]] ConvergeResult<> derive_desired(Run& run, ConvergeState& state);
// Certificates are renewed first, whatever comes. Then: is this machine the one of the document,
// and fit for it? On a running machine what is not is told, and stops nothing.
[[nodiscard]] ConvergeResult<> preflight(Run& run, ConvergeState& state);
// Releases, certificates and secrets: what needs none of the machine's own services.
[[nodiscard]] ConvergeResult<> install_foundation(Run& run, ConvergeState& state);
// On a control plane without a member: the server's decision, and what follows from it.
[[nodiscard]] ConvergeResult<> join_etcd(Run& run, ConvergeState& state);
// Files, images, units.
[[nodiscard]] ConvergeResult<> apply_rest(Run& run, ConvergeState& state);
// Ready, as the cluster sees it; then the document is settled (settled_document.hpp).
[[nodiscard]] ConvergeResult<> await_ready(Run& run, ConvergeState& state);

// From here on the run goes by `way_back`, which must be there.
[[nodiscard]] ConvergeResult<> take_way_back(Run& run, ConvergeState& state);

// The machine was Ready in this boot, by whichever document.
[[nodiscard]] bool is_up(const Run& run, const ConvergeState& state);
// The newest document and what was made of it are in effect, as they were when they settled.
[[nodiscard]] bool is_settled(const Run& run, const ConvergeState& state);

// Of what is fetched by its digest, in the order in which they are asked.
[[nodiscard]] std::vector<std::string> sources_of(const ConvergeState& state);

// What became of the units since the last look, for what failed meanwhile.
void look_at_units(const Run& run, ConvergeState& state);

// Desired against observed.
[[nodiscard]] ConvergeResult<Plan> plan_for(Run& run, ConvergeState& state);

}  // namespace muster
