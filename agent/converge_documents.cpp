// The first two steps: which documents there are, and which of them the machine goes by.
#include <utility>

#include "agent/converge.hpp"
#include "agent/host/observe.hpp"
#include "agent/run/persist.hpp"
#include "agent/state/settled_document.hpp"
#include "machine/desired_state_of.hpp"

namespace muster {
namespace {

bool has_address(const std::vector<NetworkInterface>& interfaces) {
  for (const auto& interface : interfaces) {
    for (const auto& address : interface.addresses) {
      if (address.rfind("fe80:", 0) != 0 && address.rfind("169.254.", 0) != 0) return true;
    }
  }
  return false;
}

// The agent starts before the network is configured, and an address may take DHCP seconds: until
// then the server's silence means nothing.
void await_address(Run& run) {
  const auto now_there = [&] { return has_address(run.network.interfaces(run.host.files)); };
  if (now_there()) return;
  run.reporter.begin("network", "waiting for an address");
  const Deadline end(run.host.clock, std::min<std::chrono::milliseconds>(std::chrono::seconds(20),
                                                                         run.deadline.left()));
  while (!end.has_passed() && !now_there()) run.host.clock.sleep(std::chrono::milliseconds(10));
}

RunKind kind_of(const Run& run, const Facts& facts) {
  if (run.checkpoint.settled_boot != facts.boot_id) return RunKind::boot;
  return run.ordered ? RunKind::ordered : RunKind::running;
}

// Somebody must hear of a wrong clock, with which no certificate is valid.
void connect_witness(Run& run, ConvergeState& state, const Failure& failure) {
  if (failure.kind == FailureClass::clock) state.witness = connect_without_dates(run);
  run.reporter.connect(state.witness.get());
}

// Silence has nobody to be told to.
void go_on_without(Run& run, ConvergeState& state, const Failure& away) {
  run.reporter.note_state(
      fmt::format("the server is away, and the last good document holds: {}", away.error.message));
  if (state.session->lost.empty() && !is_silence(away.error)) {
    const bool is_clock = away.kind == FailureClass::clock;
    state.add_unwell({{is_clock ? "clock" : "server", away.error.message, 0}});
  }
  connect_witness(run, state, away);
}

// A refused document is not tried again where there is a way back.
void choose_document(Run& run, ConvergeState& state) {
  const auto& fetched = state.fetched;
  auto& refused = run.checkpoint.refused;
  if (refused && refused->document.digest != fetched.digest) refused.reset();
  if (run.checkpoint.withdrawn != fetched.digest) run.checkpoint.withdrawn.clear();
  state.document = fetched.document;
  state.way_back.reset();
  state.is_fallen_back = false;
  const auto settled = settled_document(run.host.files, run.checkpoint);
  if (!settled || settled->digest == fetched.digest ||
      !can_fall_back(settled->document, fetched.document)) {
    return;
  }
  state.way_back = fall_back(settled->document, fetched.document);
  state.is_fallen_back = refused.has_value();
  if (state.is_fallen_back) state.document = state.way_back->document;
}

ConvergeResult<> derive_from_document(Run& run, ConvergeState& state) {
  auto desired =
      desired_state_of(state.document, state.fetched.peers, state.facts, run.checkpoint.etcd_start);
  if (!desired) return fail_converge(FailureClass::document, desired.error());
  state.desired = std::move(*desired);
  state.desired_digest = digest_of(state.desired);
  return {};
}

}  // namespace

ConvergeResult<> fetch_documents(Run& run, ConvergeState& state) {
  await_address(run);
  run.reporter.begin("fetch");
  state.failures.clear();
  state.not_ready.reset();
  state.unwell.clear();
  state.pending.clear();
  state.next_boot.clear();
  state.facts = observe(run.host.files, run.network.interfaces(run.host.files));
  state.kind = kind_of(run, state.facts);
  run.reporter.report().machine_id = state.facts.machine_id;
  run.reporter.report().boot_id = state.facts.boot_id;
  run.reporter.report().boot_image = state.facts.boot_image;
  run.reporter.connect(nullptr);
  auto session = open_session(run, state.facts);
  if (!session) {
    connect_witness(run, state, session.error());
    return pass_failure(session.error());
  }
  state.session = std::move(*session);
  run.reporter.connect(state.server());
  if (const auto& away = state.session->away) go_on_without(run, state, *away);
  state.add_unwell(state.session->unwell);
  auto fetched = fetch(run, *state.session);
  if (!fetched) return pass_failure(fetched.error());
  state.fetched = std::move(*fetched);
  if (std::exchange(run.memory.tried, state.fetched.digest) != state.fetched.digest) {
    run.memory.backoff.clear();
  }
  // What is there already starts and runs without room on a disk, and may make some.
  if (!state.fetched.unsaved.empty()) state.add_unwell({{"disk", state.fetched.unsaved, 0}});
  if (!state.session->lost.empty()) state.add_unwell({{"identity", state.session->lost, 0}});
  if (const auto& why = state.fetched.peers_refused; !why.empty())
    state.add_unwell({{"peers", why + "; the list before it holds", 0}});
  if (const auto& found = state.fetched.contradiction)
    state.add_unwell({{"history", to_text(*found), 0}});
  Report& report = run.reporter.report();
  report.fetched_digest = state.fetched.digest;
  report.generation = state.fetched.document.generation;
  report.peers_generation = state.fetched.peers.generation;
  report.offline = state.fetched.offline;
  report.contradiction = state.fetched.contradiction;
  // Before the first look at the Lease: a master that names nobody.
  if (!is_control_plane(state.fetched.document.role.role))
    report.lease_holder.reset();
  else if (!report.lease_holder)
    report.lease_holder.emplace();
  return {};
}

ConvergeResult<> derive_desired(Run& run, ConvergeState& state) {
  choose_document(run, state);
  return derive_from_document(run, state);
}

ConvergeResult<> take_way_back(Run& run, ConvergeState& state) {
  state.is_fallen_back = true;
  state.document = state.way_back->document;
  return derive_from_document(run, state);
}

}  // namespace muster
