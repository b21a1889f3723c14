#include "agent/converge.hpp"

#include <fmt/chrono.h>

#include <algorithm>

#include "agent/apply.hpp"
#include "agent/artifacts.hpp"
#include "agent/duties/duties.hpp"
#include "agent/etcd_member.hpp"
#include "agent/observe.hpp"
#include "agent/preflight.hpp"
#include "agent/readiness.hpp"
#include "agent/roles/desired_state_of.hpp"

namespace muster {
namespace {

constexpr const char* etcd = "etcd.service";

Server* server_of(const Picture& picture) {
  return picture.session->server.get();
}

// Mirrors first: the server's own line is the scarce one.
std::vector<std::string> sources_of(const Picture& picture) {
  auto sources = picture.fetched.document.config.artifact_mirrors;
  const auto& boot = picture.session->trust.servers.boot;
  sources.insert(sources.end(), boot.begin(), boot.end());
  return sources;
}

bool starts_kubelet(const Plan& plan) {
  const auto has_kubelet = [](const std::vector<std::string>& units) {
    return std::find(units.begin(), units.end(), "kubelet.service") != units.end();
  };
  return std::any_of(plan.actions.begin(), plan.actions.end(), [&](const auto& planned) {
    const auto* start = std::get_if<StartUnits>(&planned.action);
    const auto* restart = std::get_if<RestartUnits>(&planned.action);
    return (start && has_kubelet(start->units)) || (restart && has_kubelet(restart->units));
  });
}

Step<> carry_out(const Plan& plan, Run& run, Picture& picture) {
  picture.changed = picture.changed || !plan.actions.empty();
  // In the run of a boot the boot id says as much, and the clock may still be set.
  if (picture.kind != RunKind::boot && starts_kubelet(plan)) {
    run.checkpoint.kubelet_started =
        fmt::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(run.host.clock.now()));
  }
  const ApplyInputs inputs{picture.desired, picture.fetched.document.role.cluster.authorities,
                           server_of(picture), sources_of(picture)};
  return apply(plan, run, inputs);
}

bool is_any_unit_active(const Run& run, const DesiredState& desired) {
  std::vector<std::string> units;
  for (const auto& unit : desired.units) units.push_back(unit.name);
  const auto statuses = run.host.services.statuses(units);
  return statuses && std::any_of(statuses->begin(), statuses->end(), [](const auto& unit) {
           const auto& state = unit.second.active_state;
           return state != "inactive" && state != "failed";
         });
}

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

// The inventory decides; but where two sources of truth differ, one of them is a mistake.
Step<> check_told(const Settings& settings, const MachineIdentity& role) {
  if (settings.told_node.empty()) return {};
  if (settings.told_node == role.node && settings.told_role == name(role.role)) return {};
  return fail_step(
      FailureClass::identity, ErrorKind::conflict,
      fmt::format(
          "metadata: expected {} as {}, as the signed document says, found {} as {}; correct myDomain and myRole, or the inventory",
          role.node, name(role.role), settings.told_node, settings.told_role));
}

RunKind kind_of(const Run& run, const Facts& facts) {
  if (run.checkpoint.settled_boot != facts.boot_id) return RunKind::boot;
  return run.ordered ? RunKind::ordered : RunKind::running;
}

}  // namespace

Step<> look(Run& run, Picture& picture) {
  await_address(run);
  run.reporter.begin("fetch");
  picture.facts = observe(run.host.files, run.network.interfaces(run.host.files));
  picture.kind = kind_of(run, picture.facts);
  run.reporter.report().machine_id = picture.facts.machine_id;
  run.reporter.report().boot_id = picture.facts.boot_id;
  run.reporter.connect(nullptr);
  auto session = open_session(run, picture.facts);
  if (!session) {
    if (session.error().kind == FailureClass::clock) picture.witness = connect_without_dates(run);
    run.reporter.connect(picture.witness.get());
    return pass_step(session.error());
  }
  picture.session = std::move(*session);
  if (!picture.session->server) {
    run.reporter.note(fmt::format("the server is away, and the last good document holds: {}",
                                  picture.session->away));
  }
  run.reporter.connect(server_of(picture));
  auto fetched = fetch(run, *picture.session);
  if (!fetched) return pass_step(fetched.error());
  picture.fetched = std::move(*fetched);
  Report& report = run.reporter.report();
  report.document_digest = picture.fetched.digest;
  report.generation = picture.fetched.document.generation;
  report.offline = picture.fetched.offline;
  return {};
}

Step<> wish(Run& run, Picture& picture) {
  auto desired = desired_state_of(picture.fetched.document, picture.fetched.peers, picture.facts,
                                  run.checkpoint.etcd_start);
  if (!desired) return fail_step(FailureClass::document, desired.error());
  picture.desired = std::move(*desired);
  return {};
}

Step<> inspect(Run& run, Picture& picture) {
  const auto& desired = picture.desired;
  picture.facts.missing_kernel_modules = missing_modules(run.host.files, desired.kernel_modules);
  if (picture.kind == RunKind::boot) {
    auto& foreign = picture.facts.foreign_ports;
    foreign = listeners_on(run.host.files, desired.ports);
    // Where components run already, the listeners are they.
    if (!foreign.empty() && is_any_unit_active(run, desired)) foreign.clear();
  }
  if (auto same = check_told(run.settings, picture.fetched.document.role); !same) return same;
  if (auto fit = to_failure(preflight(picture.fetched.document, picture.facts)); !fit) return fit;
  if (run.given_up != picture.fetched.digest || run.ordered) return {};
  return fail_step(FailureClass::document, ErrorKind::conflict, run.checkpoint.last_message);
}

Step<Plan> plan_for(Run& run, const Picture& picture) {
  auto observed = observe_state(run.host, picture.desired, run.checkpoint,
                                picture.fetched.document.role.cluster.authorities);
  if (!observed) return fail_step(FailureClass::runtime, observed.error());
  return make_plan(picture.desired, *observed, run.checkpoint, picture.kind);
}

Step<> lay_foundation(Run& run, Picture& picture) {
  const auto& document = picture.fetched.document;
  if (is_control_plane(document.role.role) && needs_turn(run)) {
    // Asked before the downloads: masters that ask within the same seconds start together.
    auto answer = ask_turn(run, server_of(picture), document);
    if (!answer) return pass_step(answer.error());
    picture.etcd_turn = *answer;
  }
  picture.plan.reset();
  auto plan = plan_for(run, picture);
  if (!plan) return pass_step(plan.error());
  const auto foundation = foundation_of(*plan);
  if (foundation.actions.empty() && picture.etcd_turn.action.empty()) picture.plan = *plan;
  return carry_out(foundation, run, picture);
}

Step<> take_etcd_turn(Run& run, Picture& picture) {
  if (picture.etcd_turn.action.empty()) return {};
  const auto& document = picture.fetched.document;
  auto ready = prepare_member(run, server_of(picture), document, picture.etcd_turn);
  if (!ready) return pass_step(ready.error());
  picture.etcd_turn = *ready;
  return wish(run, picture);
}

Step<> build(Run& run, Picture& picture) {
  auto plan = picture.plan ? Step<Plan>(*picture.plan) : plan_for(run, picture);
  if (!plan) return pass_step(plan.error());
  const bool has_turn = !picture.etcd_turn.action.empty();
  if (has_turn && picture.etcd_turn.action != "start-new") {
    // kube-apiserver cannot start on a learner: it is promoted before the rest is started.
    if (auto done = carry_out(up_to_unit(*plan, etcd), run, picture); !done) return done;
    if (auto done = finish_member(run, picture.fetched.document); !done) return done;
    plan = plan_for(run, picture);
    if (!plan) return pass_step(plan.error());
  }
  if (auto done = carry_out(*plan, run, picture); !done) return done;
  picture.pending = plan->pending;
  if (has_turn && picture.etcd_turn.action == "start-new") {
    return finish_member(run, picture.fetched.document);
  }
  return {};
}

Step<> settle(Run& run, Picture& picture) {
  const auto& document = picture.fetched.document;
  const auto& cluster = document.role.cluster;
  run.reporter.report().etcd_cluster_id = run.checkpoint.etcd_cluster_id;
  run.reporter.report().etcd_member_id = run.checkpoint.etcd_member_id;
  run.reporter.report().pending = picture.pending;
  if (is_control_plane(document.role.role) && cluster.pod_network == PodNetwork::none &&
      picture.kind == RunKind::boot) {
    // The pod network is an addon there, and no node is Ready without it. What fails now is tried
    // again with the duties of the next turn, and whoever left can wait for that one.
    const RemoveMembers later = [](const auto&) -> Result<std::vector<std::string>> {
      return fail(ErrorKind::unavailable, "left to the next turn");
    };
    static_cast<void>(
        perform_duties(document, picture.fetched.peers, run.host, later, std::chrono::seconds(0)));
  }
  const bool was_disturbed = picture.changed || picture.kind != RunKind::running;
  const auto limit = std::chrono::seconds(was_disturbed ? 180 : 0);
  if (auto ready = await_node_ready(run, document,
                                    {picture.facts.boot_id, run.checkpoint.kubelet_started}, limit);
      !ready) {
    return ready;
  }
  if (picture.changed) prune_releases(run.host.files, run.checkpoint, picture.desired.releases);
  run.checkpoint.settled_boot = picture.facts.boot_id;
  if (picture.pending.empty()) run.checkpoint.settled_document = picture.fetched.digest;
  if (auto saved = save(run.checkpoint, run.host.files); !saved) {
    return fail_step(FailureClass::disk, saved.error());
  }
  return {};
}

}  // namespace muster
