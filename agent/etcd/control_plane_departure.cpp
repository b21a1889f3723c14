#include "agent/etcd/control_plane_departure.hpp"

#include <algorithm>

#include "agent/etcd/etcd_data.hpp"
#include "agent/etcd/etcd_departure.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

// In the checkpoint's etcd_start: the member is gone, what belonged to it may be there still.
constexpr const char* has_left_etcd = "left";

const std::vector<std::string> control_plane_units{"kube-scheduler.service",
                                                   "kube-controller-manager.service",
                                                   "kube-apiserver.service", "etcd.service"};

bool was_control_plane(const Checkpoint& kept) {
  return kept.etcd_started || !kept.etcd_member_id.empty() ||
         !kept.etcd_start.initial_cluster.empty() || kept.etcd_start.state == has_left_etcd;
}

// Of two masters the one that stays is no quorum without this one's etcd.
Result<void> leave_with_etcd_started(Run& run, OwnMember own, const Error& silence) {
  if (!has_etcd_data(run.host.files)) return pass(silence);
  run.reporter.note("etcd: starting it, to leave with its own vote: " + silence.message);
  auto started = run.host.services.start(
      {"etcd.service"},
      std::min<std::chrono::milliseconds>(std::chrono::seconds(60), run.deadline.left()));
  if (!started) return pass(silence);
  own.endpoints.insert(own.endpoints.begin(), "https://127.0.0.1:2379");
  return leave_etcd(run.host, own);
}

ConvergeResult<> leave_members(Run& run, const NodeDocument& document) {
  Checkpoint& kept = run.checkpoint;
  OwnMember own{kept.etcd_member_id, document.role.node, etcd_peer_url(document.role.address),
                other_masters(document)};
  const auto unit = run.host.services.status("etcd.service");
  const bool runs = unit && unit->active_state == "active";
  if (runs) own.endpoints.insert(own.endpoints.begin(), "https://127.0.0.1:2379");
  auto gone = leave_etcd(run.host, own);
  if (!gone && !runs && gone.error().kind == ErrorKind::unavailable) {
    gone = leave_with_etcd_started(run, own, gone.error());
  }
  if (!gone) {
    return fail_etcd(
        while_doing(gone.error(), "this machine is a node now and must leave etcd first").value());
  }
  kept.etcd_started = false;
  kept.etcd_member_id.clear();
  kept.etcd_cluster_id.clear();
  kept.etcd_address.clear();
  kept.etcd_start = {has_left_etcd, ""};
  if (auto saved = save(kept, run.host.files); !saved) {
    return fail_converge(FailureClass::disk, saved.error());
  }
  run.reporter.note("etcd: this machine has left it");
  return {};
}

// The folder itself may be a disk of its own.
Result<void> empty_folder(Filesystem& files, const std::string& folder) {
  const auto names = files.list(folder);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    if (auto gone = files.remove(folder + "/" + (*names)[i]); !gone) return gone;
  }
  return {};
}

Result<void> remove_other_certificates(Filesystem& files, const NodeDocument& document) {
  const auto names = files.list(paths::certificates);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    const auto& wanted = document.certificates;
    if (std::any_of(wanted.begin(), wanted.end(),
                    [&name](const CertificateSpec& spec) { return spec.name == name; })) {
      continue;
    }
    // First what points there: a crash leaves a folder that is found again, and never a bare link.
    const auto link = std::string(paths::kubernetes_pki) + "/" + name;
    if (auto gone = files.remove(link); !gone) return gone;
    if (auto gone = files.remove(std::string(paths::certificates) + "/" + name); !gone) return gone;
  }
  return {};
}

}  // namespace

ConvergeResult<> leave_control_plane(Run& run, const NodeDocument& document) {
  Checkpoint& kept = run.checkpoint;
  if (!was_control_plane(kept)) return {};
  run.reporter.begin("etcd-departure", "this machine is no master any more");
  if (kept.etcd_start.state != has_left_etcd) {
    if (auto gone = leave_members(run, document); !gone) return gone;
  }
  auto& host = run.host;
  if (auto stopped = host.services.stop(control_plane_units, std::chrono::seconds(120)); !stopped)
    return fail_converge(FailureClass::runtime, stopped.error());
  for (const auto& unit : control_plane_units) kept.units.erase(unit);
  for (const auto& emptied :
       {empty_folder(host.files, paths::etcd_data), host.files.remove(paths::etcd_snapshots),
        remove_other_certificates(host.files, document)}) {
    if (!emptied) return fail_converge(FailureClass::disk, emptied.error());
  }
  kept.etcd_start = {};
  if (auto saved = save(kept, host.files); !saved) {
    return fail_converge(FailureClass::disk, saved.error());
  }
  return {};
}

}  // namespace muster
