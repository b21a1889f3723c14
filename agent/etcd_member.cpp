#include "agent/etcd_member.hpp"

#include "agent/etcd_client.hpp"
#include "agent/etcd_replacement.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

std::string peer_url(const std::string& address) {
  return "https://" + address + ":2380";
}
std::string client_url(const std::string& address) {
  return "https://" + address + ":2379";
}

bool has_data(const Run& run) {
  return run.host.files.status(std::string(paths::etcd_data) + "/member").has_value();
}

// Anything that completes TCP counts, also an etcd that refuses our missing certificate.
bool has_answering_peer(Run& run, const NodeDocument& document) {
  TlsClientSettings tls;
  tls.verify_server = false;
  for (const auto& master : document.role.cluster.masters) {
    if (master.name == document.role.node) continue;
    const auto answer = run.network.get(client_url(master.address), "/health", tls);
    const bool is_silent = !answer && (answer.error().kind == ErrorKind::unavailable ||
                                       answer.error().kind == ErrorKind::timeout);
    if (!is_silent) return true;
  }
  return false;
}

std::vector<std::string> other_masters(const NodeDocument& document) {
  std::vector<std::string> urls;
  for (const auto& master : document.role.cluster.masters) {
    if (master.name != document.role.node) urls.push_back(client_url(master.address));
  }
  return urls;
}

// "m1=https://10.77.0.11:2380,...": every member under its name; ours has none before its first
// start.
std::string initial_cluster_of(const EtcdMembers& members, const MachineIdentity& role) {
  std::string text;
  for (const auto& member : members.members) {
    for (const auto& url : member.peer_urls) {
      const std::string& name = url == peer_url(role.address) ? role.node : member.name;
      if (!name.empty()) text += (text.empty() ? "" : ",") + name + "=" + url;
    }
  }
  return text;
}

// Repeats until it succeeds: only one learner is allowed at a time, and members come and go.
template <class Call>
ConvergeResult<> until_done(Run& run, milliseconds limit, Call call) {
  const Deadline end(run.host.clock, std::min(limit, run.deadline.left()));
  for (;;) {
    Result<void> done = call();
    if (done) return {};
    if (end.has_passed()) return fail_etcd(done.error());
    run.reporter.note(done.error().message);
    run.host.clock.sleep(milliseconds(200));
  }
}

ConvergeResult<> join(Run& run, const NodeDocument& document,
                      const std::vector<std::string>& voters) {
  const auto& role = document.role;
  const std::string url = peer_url(role.address);
  EtcdClient client(run.host.process, voters);
  auto members = client.members();
  if (!members) return fail_etcd(members.error());
  const EtcdMember* own = members->find(url);
  if (own != nullptr && !own->name.empty() && !has_data(run)) {
    auto gone = remove_lost_member(run, client, *own, client_url(role.address));
    if (!gone) return gone;
    own = nullptr;
  }
  if (own == nullptr) {
    auto added = until_done(run, std::chrono::minutes(5),
                            [&] { return client.add_learner(role.node, url); });
    if (!added) return added;
  }
  members = client.members();
  if (!members) return fail_etcd(members.error());
  run.checkpoint.etcd_start = {"existing", initial_cluster_of(*members, role)};
  return {};
}

}  // namespace

bool needs_turn(const Run& run) {
  return !run.checkpoint.etcd_started || !has_data(run);
}

ConvergeResult<EtcdTurnAnswer> ask_turn(Run& run, Server* server, const NodeDocument& document) {
  if (server == nullptr) {
    if (has_data(run)) return EtcdTurnAnswer{"start-existing", {}, {}, {}, {}};
    return fail_etcd(
        {ErrorKind::unavailable,
         "etcd: this machine has no data and the server, which decides who starts a new cluster, is away"});
  }
  EtcdTurnRequest request;
  request.has_data = has_data(run);
  request.state_mount_present = is_state_mounted(run);
  request.cluster_id = run.checkpoint.etcd_cluster_id;
  request.member_id = run.checkpoint.etcd_member_id;
  request.peer_answered = !request.has_data && has_answering_peer(run, document);
  auto answer = server->etcd_turn(request);
  if (!answer) return fail_etcd(answer.error());
  return *answer;
}

ConvergeResult<EtcdTurnAnswer> prepare_member(Run& run, Server* server,
                                              const NodeDocument& document, EtcdTurnAnswer answer) {
  run.reporter.begin("etcd-turn", answer.action);
  while (answer.action == "wait") {
    if (run.deadline.has_passed()) {
      return fail_etcd({ErrorKind::timeout, "etcd: waiting for the turn: " + answer.reason});
    }
    run.reporter.note("etcd: waiting: " + answer.reason);
    run.host.clock.sleep(std::max(answer.poll_after, milliseconds(50)));
    auto asked = ask_turn(run, server, document);
    if (!asked) return pass_failure(asked.error());
    answer = *asked;
  }
  if (answer.action == "start-new") {
    run.checkpoint.etcd_start = {"new", answer.initial_cluster};
  } else if (answer.action == "join") {
    const auto voters = answer.members.empty() ? other_masters(document) : answer.members;
    if (auto joined = join(run, document, voters); !joined) return pass_failure(joined.error());
  } else if (answer.action != "start-existing") {
    return fail_etcd(
        {ErrorKind::forbidden, fmt::format("etcd: {}: {}", answer.action, answer.reason)});
  }
  if (auto saved = save(run.checkpoint, run.host.files); !saved) {
    return fail_converge(FailureClass::disk, saved.error());
  }
  return answer;
}

ConvergeResult<> finish_member(Run& run, const NodeDocument& document) {
  run.reporter.begin("etcd-member");
  const std::string url = peer_url(document.role.address);
  // A learner answers no member list, so the voters are asked too.
  auto endpoints = other_masters(document);
  endpoints.insert(endpoints.begin(), client_url(document.role.address));
  EtcdMembers members;
  const auto find = [&](const std::vector<std::string>& where) -> Result<void> {
    auto found = EtcdClient(run.host.process, where).members();
    if (!found) return pass(found.error());
    members = *found;
    return {};
  };
  auto listed = until_done(run, std::chrono::minutes(1), [&]() -> Result<void> {
    auto own = find({endpoints.front()});
    return own || endpoints.size() == 1 ? own : find(other_masters(document));
  });
  if (!listed) return listed;
  const EtcdMember* own = members.find(url);
  if (own == nullptr) {
    return fail_etcd({ErrorKind::not_found,
                      fmt::format("etcd: expected a member with peer URL {}, found none", url)});
  }
  const std::string id = own->id;
  if (own->is_learner) {
    run.reporter.note("etcd: learner, waiting to be promoted");
    EtcdClient voters(run.host.process, other_masters(document));
    auto promoted = until_done(run, std::chrono::minutes(2), [&]() -> Result<void> {
      auto done = voters.promote(id);
      if (done) return done;
      // Promoted by an attempt whose answer was lost.
      auto now = voters.members();
      const auto* member = now ? now->find(url) : nullptr;
      return member != nullptr && !member->is_learner ? Result<void>() : done;
    });
    if (!promoted) return promoted;
  }
  run.checkpoint.etcd_cluster_id = members.cluster_id;
  run.checkpoint.etcd_member_id = id;
  run.checkpoint.etcd_started = true;
  // The next line to the server tells them: other masters wait for it.
  run.reporter.report().etcd_cluster_id = members.cluster_id;
  run.reporter.report().etcd_member_id = id;
  if (auto saved = save(run.checkpoint, run.host.files); !saved) {
    return fail_converge(FailureClass::disk, saved.error());
  }
  return {};
}

}  // namespace muster
