#include "agent/etcd/etcd_replacement.hpp"

#include <algorithm>

#include "agent/etcd/etcd_data.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds unhealthy_before_removal{60000};
constexpr milliseconds between_looks{5000};

std::vector<std::string> voters_of(const EtcdMembers& members) {
  std::vector<std::string> urls;
  for (const auto& member : members.members) {
    if (!member.is_learner && !member.client_urls.empty()) urls.push_back(member.client_urls[0]);
  }
  return urls;
}

// The endpoints that hold the cluster without the lost member.
ConvergeResult<std::vector<std::string>> look_at_the_others(Run& run, EtcdClient& client,
                                                            const EtcdMember& lost) {
  const auto members = client.members();
  if (!members) return fail_etcd(members.error());
  const auto voters = voters_of(*members);
  auto healthy = EtcdClient(run.host.process, voters).healthy_endpoints();
  if (!healthy) return fail_etcd(healthy.error());
  for (const auto& url : lost.client_urls) {
    if (std::find(healthy->begin(), healthy->end(), url) == healthy->end()) continue;
    return fail_etcd(
        {ErrorKind::conflict,
         fmt::format(
             "etcd: this machine's data is gone, but its member answers at {}: find the other machine with this address; nothing was removed",
             url)});
  }
  const std::size_t quorum = voters.size() / 2 + 1;
  if (healthy->size() < quorum) {
    return fail_etcd(
        {ErrorKind::conflict,
         fmt::format(
             "etcd: this machine's data is gone, and of {} voters {} are healthy, expected at least {}: heal them first, then converge again; nothing was removed",
             voters.size(), healthy->size(), quorum)});
  }
  return *healthy;
}

}  // namespace

ConvergeResult<> remove_lost_member(Run& run, EtcdClient& client, const EtcdMember& lost) {
  run.reporter.note("etcd: this machine's data is gone; watching the other members for a minute");
  if (!is_etcd_state_mounted(run)) {
    return fail_etcd(
        {ErrorKind::conflict,
         "etcd: the mount of /var/lib/etcd is not there, so its data may not be lost: bring the disk back; nothing was removed"});
  }
  const Deadline end(run.host.clock, unhealthy_before_removal);
  auto healthy = look_at_the_others(run, client, lost);
  while (healthy && !end.has_passed()) {
    run.host.clock.sleep(std::min(between_looks, end.left()));
    healthy = look_at_the_others(run, client, lost);
  }
  if (!healthy) return pass_failure(healthy.error());
  if (auto made = run.host.files.make_directory(paths::etcd_snapshots, 0700, "root"); !made) {
    return fail_converge(FailureClass::disk, made.error());
  }
  const auto path = fmt::format("{}/before-removal-of-{}.db", paths::etcd_snapshots, lost.id);
  auto saved = EtcdClient(run.host.process, *healthy).save_snapshot(path);
  if (!saved) return fail_etcd(saved.error());
  if (auto removed = client.remove(lost.id); !removed) return fail_etcd(removed.error());
  run.reporter.note(fmt::format("etcd: removed the lost member {}; snapshot {}", lost.id, path));
  return {};
}

}  // namespace muster
