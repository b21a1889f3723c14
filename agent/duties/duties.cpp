#include "agent/duties/duties.hpp"

#include "agent/duties/addon_changes.hpp"
#include "agent/duties/addon_turn.hpp"
#include "agent/duties/addons.hpp"
#include "agent/duties/cluster_view.hpp"
#include "agent/duties/drain.hpp"
#include "agent/duties/lease.hpp"
#include "agent/duties/node_changes.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

// The certificate lives for an hour. What is missing is obtained by the next converge.
tl::unexpected<Error> want_bootstrap(Host& host, const Error& error) {
  const auto removed = host.files.remove(paths::certificate("bootstrap-admin", "tls.crt"));
  return fail(ErrorKind::forbidden,
              fmt::format("binding the first roles: {}; {}", error.message,
                          removed ? "a new bootstrap-admin certificate is obtained first"
                                  : removed.error().message));
}

// The duties' own credential has no rights until a system:masters identity has bound them once, and
// none again where somebody deletes the binding.
Result<ClusterView> read_or_bind(const NodeDocument& document, const Kubectl& duties, Host& host,
                                 DutiesOutcome& outcome) {
  auto view = read_cluster(duties);
  if (view || view.error().kind != ErrorKind::forbidden) return view;
  const Kubectl bootstrap(host.process, paths::kubeconfig("bootstrap-admin"));
  if (auto bound = apply_addon(wanted_addons(document).front(), bootstrap); !bound) {
    if (bound.error().kind == ErrorKind::unavailable) return pass(bound.error());
    if (bound.error().kind == ErrorKind::unauthenticated)
      return want_bootstrap(host, bound.error());
    return fail(
        ErrorKind::forbidden,
        fmt::format(
            "binding the first roles: {}; bind group muster:duties to cluster-admin with a `muster kubeconfig --break-glass`",
            bound.error().message));
  }
  outcome.done.push_back("the first roles are bound");
  return read_cluster(duties);
}

// How long the Lease is as it is now, as this machine saw it: kept where no boot outlives it, so
// that an agent that starts anew goes on counting.
std::chrono::seconds unchanged_for(const LeaseView& lease, Host& host) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(host.clock.since_boot());
  const auto text = host.files.read(paths::seen_lease, 4096);
  const auto before = text ? parse_seen_lease(*text) : std::nullopt;
  const SeenLease seen = look_at_lease(lease, before, now);
  if (!before || before->record != seen.record || before->since != seen.since) {
    if (host.files.make_directory(paths::runtime, 0700)) {
      static_cast<void>(host.files.write(paths::seen_lease, to_text(seen), 0600));
    }
  }
  return now - seen.since;
}

// conflict: another master was faster.
Result<void> write_lease(const Kubectl& kubectl, const std::optional<LeaseView>& lease,
                         const std::string& machine, Host& host) {
  const auto written = kubectl.run({lease ? "replace" : "create", "--filename=-"},
                                   lease_object(lease, machine, host.clock.now()));
  if (!written) return pass(written.error());
  return {};
}

// True: they are gone.
bool remove_nodes(const std::vector<std::string>& nodes, const Kubectl& kubectl,
                  const RemoveMembers& remove_members, DutiesOutcome& outcome) {
  const auto members = remove_members(nodes);
  if (!members) {
    outcome.failed.push_back(
        fmt::format("{}: etcd member: {}", fmt::join(nodes, ", "), members.error().message));
    return false;
  }
  for (const std::string& name : *members) outcome.done.push_back(name + ": etcd member removed");
  std::vector<std::string> command = {"delete", "node", "--ignore-not-found"};
  command.insert(command.end(), nodes.begin(), nodes.end());
  if (const auto deleted = kubectl.run(command); !deleted) {
    outcome.failed.push_back(deleted.error().message);
    return false;
  }
  for (const std::string& name : nodes) outcome.done.push_back(name + ": Node removed");
  return true;
}

void keep_nodes(const NodeDocument& document, const PeerList& peers, const ClusterView& view,
                const Kubectl& kubectl, const RemoveMembers& remove_members, Host& host,
                DutiesOutcome& outcome) {
  const NodeChanges changes = node_changes(document, peers, view.nodes);
  for (const NodePatch& patch : changes.patches) {
    std::vector<std::string> command = {"patch", "node"};
    command.insert(command.end(), patch.nodes.begin(), patch.nodes.end());
    command.insert(command.end(), {"--type=merge", "--patch", patch.patch});
    const auto patched = kubectl.run(command);
    if (patched) {
      outcome.done.insert(outcome.done.end(), patch.changes.begin(), patch.changes.end());
    } else {
      outcome.failed.push_back(patched.error().message);
    }
  }
  DutiesReport report;
  report.peers_generation = peers.generation;
  const bool is_removed =
      !changes.removed.empty() && remove_nodes(changes.removed, kubectl, remove_members, outcome);
  if (!is_removed) report.leaving = changes.removed;
  report.drains = drain_nodes(peers, changes.drains, kubectl, host.clock, outcome.done);
  outcome.is_awaited = is_removed || !changes.drains.empty();
  // What is cut short would be read as all there is.
  if (report.leaving.size() <= most_reported) outcome.report = std::move(report);
}

void add(AddonTurn turn, DutiesOutcome& outcome) {
  outcome.addons_ready = turn.are_ready;
  outcome.done.insert(outcome.done.end(), turn.done.begin(), turn.done.end());
  outcome.failed.insert(outcome.failed.end(), turn.failed.begin(), turn.failed.end());
  outcome.unwell.insert(outcome.unwell.end(), turn.unwell.begin(), turn.unwell.end());
}

}  // namespace

Result<DutiesOutcome> perform_duties(const NodeDocument& document, const PeerList& peers,
                                     Host& host, const RemoveMembers& remove_members,
                                     std::chrono::milliseconds addon_wait) {
  DutiesOutcome outcome;
  const std::string& machine = document.role.node;
  const Kubectl kubectl(host.process, paths::kubeconfig("muster-duties"));

  const auto view = read_or_bind(document, kubectl, host, outcome);
  if (!view) return while_doing(view.error(), "duties");

  const auto unchanged = view->lease ? unchanged_for(*view->lease, host) : std::chrono::seconds(0);
  const LeaseStep step = next_lease_step(view->lease, machine, host.clock.now(), unchanged);
  if (view->lease) {
    auto trouble = clock_trouble(*view->lease, machine, host.clock.now());
    if (!trouble.empty()) outcome.unwell.push_back({"clock", std::move(trouble), 0});
  }
  if (step == LeaseStep::leave) {
    outcome.lease_holder = view->lease->holder;
    return outcome;
  }
  if (step != LeaseStep::keep) {
    auto written = write_lease(kubectl, view->lease, machine, host);
    if (!written && written.error().kind == ErrorKind::conflict) return outcome;
    if (!written) return while_doing(written.error(), "duties: the Lease");
  }
  outcome.holder = true;
  outcome.lease_holder = machine;

  keep_nodes(document, peers, *view, kubectl, remove_members, host, outcome);
  const bool is_new = !view->lease;
  add(keep_addons(document, is_new, kubectl, host.clock, addon_wait), outcome);
  return outcome;
}

}  // namespace muster
