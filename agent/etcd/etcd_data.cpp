#include "agent/etcd/etcd_data.hpp"

#include "agent/paths.hpp"
#include "machine/desired_state.hpp"

namespace muster {
namespace {

std::string member_folder() {
  return std::string(paths::etcd_data) + "/member";
}

// etcd reads two folders beside it, and nothing else of what lies there.
std::string member_note() {
  return member_folder() + "/muster-member";
}

std::string note_of(const Checkpoint& checkpoint) {
  return fmt::format("{} {}\n", checkpoint.etcd_cluster_id, checkpoint.etcd_member_id);
}

// Where a quorum of the cluster that is given up still answers; empty: nowhere.
std::string where_it_goes_on(Run& run, const NodeDocument& document) {
  if (is_etcd_serving(run)) return document.role.node;
  for (const auto& master : document.role.cluster.masters) {
    if (master.name == document.role.node) continue;
    const auto members = EtcdClient(run.host.process, {etcd_client_url(master.address)}).members();
    if (members && members->cluster_id == run.checkpoint.etcd_cluster_id) return master.name;
  }
  return {};
}

}  // namespace

tl::unexpected<Failure> fail_etcd(Error error) {
  return fail_converge(FailureClass::etcd, std::move(error));
}

bool has_etcd_data(const Filesystem& files) {
  return files.status(member_folder()).has_value();
}

bool is_data_of_member(const Filesystem& files, const Checkpoint& checkpoint) {
  if (checkpoint.etcd_address.empty()) return true;
  const auto note = files.read(member_note());
  return note && *note == note_of(checkpoint);
}

void take_member(const Filesystem& files, const std::string& address, Checkpoint& checkpoint) {
  const auto note = files.read(member_note(), 4096);
  if (!note) return;
  const auto space = note->find(' '), end = note->find('\n');
  if (space == std::string::npos || end == std::string::npos || end < space) return;
  checkpoint.etcd_cluster_id = note->substr(0, space);
  checkpoint.etcd_member_id = note->substr(space + 1, end - space - 1);
  checkpoint.etcd_address = address;
  checkpoint.etcd_started = true;
}

Result<void> note_member(Filesystem& files, const Checkpoint& checkpoint) {
  const auto text = note_of(checkpoint);
  if (const auto now = files.read(member_note()); now && *now == text) return {};
  return files.write(member_note(), text, 0600, std::string(etcd_user));  // as all in there is
}

bool is_etcd_state_mounted(const Run& run) {
  for (const auto* mount : {"var.mount", "var-lib.mount", "var-lib-etcd.mount"}) {
    const auto status = run.host.services.status(mount);
    if (status && status->load_state == "loaded" && status->active_state != "active") return false;
  }
  return true;
}

bool is_etcd_serving(Run& run) {
  const auto answer = run.network.get("http://127.0.0.1:2381", "/health", {});
  return answer && answer->status == 200;
}

bool was_removed_from_etcd(Run& run, const NodeDocument& document) {
  const auto& kept = run.checkpoint;
  const auto others = other_masters(document);
  if (kept.etcd_member_id.empty() || others.empty()) return false;
  const auto members = EtcdClient(run.host.process, others).members();
  return members && members->cluster_id == kept.etcd_cluster_id &&
         members->by_id(kept.etcd_member_id) == nullptr;
}

ConvergeResult<> give_up_etcd_data(Run& run, const NodeDocument& document) {
  if (const auto place = where_it_goes_on(run, document); !place.empty()) {
    const auto& cluster = document.role.cluster.name;
    return fail_etcd(
        {ErrorKind::conflict,
         fmt::format(
             "etcd: cluster id {}, which was given up for one restored from a snapshot, still has its quorum and answers on {}; nothing was touched. To go on with it after all: muster cluster reinitialise {} --confirm --restored-on {}. To give it up: systemctl stop muster-agent etcd on its masters, then reboot them one by one",
             run.checkpoint.etcd_cluster_id, place, cluster, place)});
  }
  return set_etcd_data_aside(run);
}

ConvergeResult<> set_etcd_data_aside(Run& run) {
  auto stopped =
      run.host.services.stop({"kube-scheduler.service", "kube-controller-manager.service",
                              "kube-apiserver.service", "etcd.service"},
                             std::chrono::seconds(120));
  if (!stopped) return fail_etcd(stopped.error());
  Checkpoint& kept = run.checkpoint;
  if (has_etcd_data(run.host.files)) {
    const auto now = std::chrono::system_clock::to_time_t(run.host.clock.now());
    const auto aside =
        fmt::format("{}/member-of-{}-{}", paths::etcd_data,
                    kept.etcd_cluster_id.empty() ? "unknown" : kept.etcd_cluster_id, now);
    if (auto moved = run.host.files.rename(member_folder(), aside); !moved) {
      return fail_converge(FailureClass::disk, moved.error());
    }
    run.reporter.note("etcd: this machine's data was set aside: " + aside);
  }
  kept.etcd_started = false;
  kept.etcd_cluster_id.clear();
  kept.etcd_member_id.clear();
  kept.etcd_address.clear();
  if (auto saved = save(kept, run.host.files); !saved) {
    return fail_converge(FailureClass::disk, saved.error());
  }
  return {};
}

std::vector<std::string> other_masters(const NodeDocument& document) {
  std::vector<std::string> urls;
  for (const auto& master : document.role.cluster.masters) {
    if (master.name != document.role.node) urls.push_back(etcd_client_url(master.address));
  }
  return urls;
}

}  // namespace muster
