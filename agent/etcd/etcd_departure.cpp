#include "agent/etcd/etcd_departure.hpp"

#include <algorithm>

#include "agent/etcd/etcd_client.hpp"

namespace muster {
namespace {

bool has_left(const NodeDocument& document, const std::string& machine) {
  const auto& banned = document.config.banned_machines;
  const auto& masters = document.role.cluster.masters;
  return std::find(banned.begin(), banned.end(), machine) != banned.end() &&
         std::none_of(masters.begin(), masters.end(),
                      [&](const MachineAddress& master) { return master.name == machine; });
}

constexpr const char* api_server = "kube-apiserver.service";

}  // namespace

Result<std::vector<std::string>> remove_departed_members(Process& process,
                                                         const NodeDocument& document,
                                                         const std::vector<std::string>& machines) {
  std::vector<std::string> left, removed;
  std::copy_if(machines.begin(), machines.end(), std::back_inserter(left),
               [&](const std::string& machine) { return has_left(document, machine); });
  if (left.empty()) return removed;
  EtcdClient client(process, {etcd_client_url(document.role.address)});
  const auto members = client.members();
  if (!members) return pass(members.error());
  for (const EtcdMember& member : members->members) {
    if (std::find(left.begin(), left.end(), member.name) == left.end()) continue;
    if (auto done = client.remove(member.id); !done) return pass(done.error());
    removed.push_back(member.name);
  }
  return removed;
}

Result<void> leave_etcd(Host& host, const OwnMember& own) {
  EtcdClient client(host.process, own.endpoints);
  const auto listed = client.members();
  if (!listed) return pass(listed.error());
  const EtcdMember* member = listed->own(own.id, own.name, own.peer_url);
  if (member == nullptr) return {};
  const auto& members = listed->members;
  const bool others_go_on = std::any_of(members.begin(), members.end(), [&](const auto& other) {
    return other.id != member->id && !other.is_learner && !other.name.empty();
  });
  if (!others_go_on) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "etcd: member {} of {} is the last one with a vote, and the cluster would be gone with it: expected another master to have joined; nothing was removed",
            member->id, own.name));
  }
  const auto unit = host.services.status(api_server);
  const bool serves = unit && unit->active_state == "active";
  // One that is killed at the end of its patience is down as well.
  if (serves) static_cast<void>(host.services.stop({api_server}, std::chrono::seconds(120)));
  auto removed = client.remove(member->id);
  if (!removed && serves)
    static_cast<void>(host.services.start({api_server}, std::chrono::seconds(120)));
  return removed;
}

}  // namespace muster
