#include "agent/etcd/etcd_member.hpp"

#include <algorithm>

#include "agent/etcd/etcd_client.hpp"
#include "agent/etcd/etcd_data.hpp"
#include "agent/etcd/etcd_replacement.hpp"

namespace muster {
namespace {

using std::chrono::milliseconds;

// Anything that completes TCP counts, also an etcd that refuses our missing certificate.
bool has_answering_peer(Run& run, const NodeDocument& document) {
  TlsClientSettings tls;
  tls.verify_server = false;
  for (const auto& master : document.role.cluster.masters) {
    if (master.name == document.role.node) continue;
    const auto answer = run.network.get(etcd_client_url(master.address), "/health", tls);
    const bool is_silent = !answer && (answer.error().kind == ErrorKind::unavailable ||
                                       answer.error().kind == ErrorKind::timeout);
    if (!is_silent) return true;
  }
  return false;
}

// "m1=https://10.77.0.11:2380,...": every member under its name; ours has none before its first
// start.
std::string initial_cluster_of(const EtcdMembers& members, const MachineIdentity& role) {
  std::string text;
  for (const auto& member : members.members) {
    for (const auto& url : member.peer_urls) {
      const std::string& name = url == etcd_peer_url(role.address) ? role.node : member.name;
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

// Without data this machine is none of the members that bear its name or listen where it will: they
// would count in every quorum, and one may be at an address that it had before. A learner that
// never started and is no master's takes the only place of a learner.
ConvergeResult<> remove_former(Run& run, EtcdClient& client, const NodeDocument& document) {
  const auto& role = document.role;
  const auto members = client.members();
  if (!members) return fail_etcd(members.error());
  for (const EtcdMember& member : members->members) {
    const auto& urls = member.peer_urls;
    const auto listens_at = [&urls](const MachineAddress& master) {
      return std::find(urls.begin(), urls.end(), etcd_peer_url(master.address)) != urls.end();
    };
    const auto& masters = role.cluster.masters;
    if (member.name == role.node ||
        (!member.name.empty() && listens_at({role.node, role.address}))) {
      if (auto gone = remove_lost_member(run, client, member); !gone) return gone;
    } else if (member.name.empty() && member.is_learner &&
               std::none_of(masters.begin(), masters.end(), listens_at)) {
      if (auto gone = client.remove(member.id); !gone) return fail_etcd(gone.error());
      run.reporter.note(fmt::format(
          "etcd: removed the learner {}, which never started and is no master's", member.id));
    }
  }
  return {};
}

ConvergeResult<> join(Run& run, const NodeDocument& document,
                      const std::vector<std::string>& voters) {
  const auto& role = document.role;
  const std::string url = etcd_peer_url(role.address);
  EtcdClient client(run.host.process, voters);
  if (!has_etcd_data(run.host.files)) {
    if (auto gone = remove_former(run, client, document); !gone) return gone;
  }
  auto members = client.members();
  if (!members) return fail_etcd(members.error());
  if (members->by_peer_url(url) == nullptr) {
    auto added = until_done(run, std::chrono::minutes(5),
                            [&] { return client.add_learner(role.node, url); });
    if (!added) return added;
    members = client.members();
    if (!members) return fail_etcd(members.error());
  }
  run.checkpoint.etcd_start = {"existing", initial_cluster_of(*members, role)};
  return {};
}

bool is_known_voter(const Run& run, const NodeDocument& document) {
  const Checkpoint& kept = run.checkpoint;
  return kept.etcd_started && has_etcd_data(run.host.files) &&
         kept.etcd_address == document.role.address && is_data_of_member(run.host.files, kept);
}

// The one that runs, as it and the others list it. By itself alone it is known to listen here.
struct Listed {
  EtcdMembers members;
  bool by_itself = false;
};

ConvergeResult<Listed> list_members(Run& run, const NodeDocument& document) {
  Listed listed;
  const auto others = other_masters(document);
  const auto ask = [&]() -> Result<void> {
    auto own = EtcdClient(run.host.process, {etcd_client_url(document.role.address)}).members();
    listed.by_itself = own.has_value();
    // A learner answers no member list.
    if (!own && !others.empty()) own = EtcdClient(run.host.process, others).members();
    if (!own) return pass(own.error());
    listed.members = std::move(*own);
    return {};
  };
  const auto limit = run.checkpoint.etcd_started ? milliseconds(0) : milliseconds(60000);
  if (auto found = until_done(run, limit, ask); !found) return pass_failure(found.error());
  return listed;
}

ConvergeResult<> keep_membership(Run& run, const NodeDocument& document,
                                 const std::string& cluster_id, const std::string& member_id) {
  Checkpoint& kept = run.checkpoint;
  kept.etcd_cluster_id = cluster_id;
  kept.etcd_member_id = member_id;
  kept.etcd_address = document.role.address;
  kept.etcd_started = true;
  // The next line to the server tells them: other masters wait for it.
  run.reporter.report().etcd_cluster_id = cluster_id;
  run.reporter.report().etcd_member_id = member_id;
  for (const auto& kept_on_disk : {note_member(run.host.files, kept), save(kept, run.host.files)}) {
    if (!kept_on_disk) return fail_converge(FailureClass::disk, kept_on_disk.error());
  }
  return {};
}

}  // namespace

bool needs_turn(Run& run, const NodeDocument& document) {
  return !is_known_voter(run, document) || !is_etcd_serving(run);
}

ConvergeResult<EtcdTurnAnswer> ask_turn(Run& run, Server* server, const NodeDocument& document) {
  Checkpoint& kept = run.checkpoint;
  const bool has_data = has_etcd_data(run.host.files);
  if (has_data && !is_data_of_member(run.host.files, kept)) {
    kept.etcd_cluster_id.clear();
    kept.etcd_member_id.clear();
  }
  EtcdTurnAnswer answer;
  answer.action = "start-existing";
  Error silence{
      ErrorKind::unavailable,
      "etcd: this machine has no data and the server, which decides who starts a new cluster, is away"};
  if (server != nullptr) {
    EtcdTurnRequest request;
    request.has_data = has_data;
    request.state_mount_present = is_etcd_state_mounted(run);
    request.cluster_id = kept.etcd_cluster_id;
    request.member_id = kept.etcd_member_id;
    request.peer_answered = !has_data && has_answering_peer(run, document);
    auto asked = server->etcd_turn(request);
    if (asked) answer = *asked;
    if (!asked) silence = asked.error();
    if (!asked && has_data) run.reporter.note("etcd: " + silence.message);
    if (!asked && !has_data) return fail_etcd(silence);
  } else if (!has_data) {
    return fail_etcd(silence);
  }
  // As at every boot, unless it was started already and does not serve.
  const auto unit = run.host.services.status("etcd.service");
  const bool was_started = !unit || unit->active_state != "inactive";
  if (answer.action == "start-existing" && is_known_voter(run, document) && !was_started) {
    answer.action.clear();
  }
  return answer;
}

ConvergeResult<EtcdTurnAnswer> prepare_member(Run& run, Server* server,
                                              const NodeDocument& document, EtcdTurnAnswer answer) {
  run.reporter.begin("etcd-turn", answer.action);
  for (;;) {
    if (answer.action == "wait") {
      if (run.deadline.has_passed()) {
        return fail_etcd({ErrorKind::timeout, "etcd: waiting for the turn: " + answer.reason});
      }
      run.reporter.note("etcd: waiting: " + answer.reason);
      run.host.clock.sleep(std::max(answer.poll_after, milliseconds(50)));
    } else if (answer.action == "rejoin") {
      run.reporter.note("etcd: " + answer.reason);
      if (auto given_up = give_up_etcd_data(run, document); !given_up)
        return pass_failure(given_up.error());
    } else if (answer.action == "start-existing" && was_removed_from_etcd(run, document)) {
      run.reporter.note("etcd: this machine's member was removed; it joins anew");
      if (auto aside = set_etcd_data_aside(run); !aside) return pass_failure(aside.error());
    } else {
      break;
    }
    auto asked = ask_turn(run, server, document);
    if (!asked) return pass_failure(asked.error());
    answer = *asked;
  }
  if (answer.action == "start-new") {
    run.checkpoint.etcd_start = {"new", answer.initial_cluster};
  } else if (answer.action == "join") {
    const auto voters = answer.members.empty() ? other_masters(document) : answer.members;
    if (auto joined = join(run, document, voters); !joined) return pass_failure(joined.error());
  } else if (answer.action != "start-existing" && !answer.action.empty()) {
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
  const auto& role = document.role;
  const std::string url = etcd_peer_url(role.address);
  const bool was_voter = run.checkpoint.etcd_started;
  auto listed = list_members(run, document);
  if (!listed && !was_voter) return pass_failure(listed.error());
  // Started before, and without a quorum now, or still at the address that it had.
  if (was_voter && (!listed || !listed->by_itself)) return {};
  const EtcdMember* own = listed->members.own(run.checkpoint.etcd_member_id, role.node, url);
  if (own == nullptr) {
    return fail_etcd(
        {ErrorKind::not_found,
         fmt::format("etcd: expected a member {} with peer URL {}, found none", role.node, url)});
  }
  const std::string id = own->id;
  if (own->peer_urls != std::vector<std::string>{url} && listed->by_itself) {
    auto moved = EtcdClient(run.host.process, {etcd_client_url(role.address)}).move(id, url);
    if (!moved) return fail_etcd(moved.error());
    run.reporter.note(fmt::format("etcd: the members know this machine at {} from now on", url));
  }
  if (own->is_learner) {
    run.reporter.note("etcd: learner, waiting to be promoted");
    EtcdClient voters(run.host.process, other_masters(document));
    auto promoted = until_done(run, std::chrono::minutes(2), [&]() -> Result<void> {
      auto done = voters.promote(id);
      if (done) return done;
      // Promoted by an attempt whose answer was lost.
      auto now = voters.members();
      const auto* member = now ? now->by_id(id) : nullptr;
      return member != nullptr && !member->is_learner ? Result<void>() : done;
    });
    if (!promoted) return promoted;
  }
  return keep_membership(run, document, listed->members.cluster_id, id);
}

}  // namespace muster
