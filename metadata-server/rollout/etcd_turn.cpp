#include "rollout/etcd_turn.hpp"

#include <algorithm>

#include "records/revision.hpp"
#include "rollout/etcd_record.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds poll_soon{300};

EtcdTurnAnswer wait(std::string reason) {
  EtcdTurnAnswer answer;
  answer.action = "wait";
  answer.reason = std::move(reason);
  answer.poll_after = poll_soon;
  return answer;
}

EtcdTurnAnswer pass(std::string reason) {
  EtcdTurnAnswer answer;
  answer.action = "refused";
  answer.reason = std::move(reason);
  return answer;
}

// The commands, as they work on the machine. Another token each time: with the old one the restored
// cluster may get the old ids, and members of before would be taken for its own.
std::string way_to_restore(const std::string& cluster, const std::string& node,
                           const std::vector<MachineAddress>& masters) {
  std::string address;
  for (const auto& master : masters) {
    if (master.name == node) address = master.address;
  }
  return fmt::format(
      "on {0}: systemctl stop muster-agent kube-apiserver etcd; mv /var/lib/etcd/member /var/lib/etcd/member.old; /opt/muster/current/etcd/bin/etcdutl snapshot restore SNAPSHOT --data-dir /var/lib/etcd/restored --name {0} --initial-cluster {0}=https://{1}:2380 --initial-advertise-peer-urls https://{1}:2380 --initial-cluster-token {2}-$(date +%s) --bump-revision 1000000000 --mark-compacted; mv /var/lib/etcd/restored/member /var/lib/etcd/member; then `muster cluster reinitialise {2} --confirm --restored-on {0}`, and reboot every master",
      node, address, cluster);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

EtcdTurnAnswer start_new(const EtcdRecord& record, const std::vector<MachineAddress>& masters) {
  EtcdTurnAnswer answer;
  answer.action = "start-new";
  for (const auto& master : masters) {
    if (!contains(record.initial_members, master.name)) continue;
    if (!answer.initial_cluster.empty()) answer.initial_cluster += ",";
    answer.initial_cluster += fmt::format("{}=https://{}:2380", master.name, master.address);
  }
  return answer;
}

// Of all that went on before the restored one, only what is in its snapshot counts.
EtcdTurnAnswer rejoin(const EtcdRecord& record, const EtcdTurnQuestion& question) {
  EtcdTurnAnswer answer;
  answer.action = "rejoin";
  answer.reason =
      fmt::format("{} goes on from the snapshot that was restored on {}, without the data of {}",
                  question.cluster, record.restored_on, question.node);
  return answer;
}

std::string of_another_cluster(const EtcdRecord& record, const std::string& cluster,
                               const std::string& node, const std::string& cluster_id) {
  return fmt::format(
      "etcd on {} belongs to cluster id {}, but {} runs cluster id {}: its data is of another cluster. To give that data up: move /var/lib/etcd/member away on {} and reboot it. To go on with that data alone: muster cluster reinitialise {} --confirm --restored-on {}",
      node, cluster_id, cluster, record.cluster_id, node, cluster, node);
}

bool is_of_another_cluster(const EtcdRecord& record, const std::string& cluster_id) {
  return !cluster_id.empty() && !record.cluster_id.empty() && record.cluster_id != cluster_id;
}

void note_member(EtcdRecord& record, const std::string& node, const std::string& cluster_id,
                 const std::string& member_id) {
  record.cluster_id = cluster_id;
  record.members[node] = member_id;
  record.lost.erase(node);
  if (record.joining == node) record.joining.clear();
  record.reinitialised_at = 0;
  record.reinitialised_by.clear();
  record.before.clear();
}

// What a member that has its data, or runs, tells of itself.
EtcdTurnAnswer note_existing(EtcdRecord& record, const EtcdTurnQuestion& question) {
  const auto& request = question.request;
  if (is_of_another_cluster(record, request.cluster_id)) {
    if (!record.restored_on.empty()) return rejoin(record, question);
    return pass(of_another_cluster(record, question.cluster, question.node, request.cluster_id));
  }
  if (!request.cluster_id.empty()) {
    note_member(record, question.node, request.cluster_id, request.member_id);
  }
  EtcdTurnAnswer answer;
  answer.action = "start-existing";
  return answer;
}

// After a restore: until the one with the snapshot runs, the others can only wait for it.
EtcdTurnAnswer await_restored(const EtcdRecord& record, const EtcdTurnQuestion& question) {
  if (question.node != record.restored_on) {
    return wait(fmt::format("waits for etcd on {}, which was restored from a snapshot, to run",
                            record.restored_on));
  }
  EtcdTurnAnswer answer;
  answer.action = "start-existing";
  if (question.request.has_data) return answer;
  return pass(fmt::format("etcd on {}: expected the data of a restored snapshot, found none: {}",
                          question.node,
                          way_to_restore(question.cluster, question.node, question.masters)));
}

EtcdTurnAnswer join(EtcdRecord& record, const EtcdTurnQuestion& question, std::int64_t now_ms,
                    const EtcdTurnSettings& settings) {
  if (record.cluster_id.empty()) {
    return wait(fmt::format("waits for etcd on {} to run", record.initial_members.front()));
  }
  const bool is_free = record.joining.empty() || record.joining == question.node ||
                       now_ms - record.joining_since > settings.join_limit.count();
  if (!is_free) return wait(fmt::format("waits for {}, which is joining etcd", record.joining));
  if (record.joining != question.node) {
    record.joining = question.node;
    record.joining_since = now_ms;
  }
  EtcdTurnAnswer answer;
  answer.action = "join";
  for (const auto& master : question.masters) {
    if (master.name != question.node && record.members.contains(master.name)) {
      answer.members.push_back(fmt::format("https://{}:2379", master.address));
    }
  }
  return answer;
}

// A member without its data: its old self is removed and it joins anew, which is done by its agent
// when etcd itself shows a healthy quorum. A second one that is lost at the same time may be the
// quorum: nothing is removed then.
EtcdTurnAnswer replace_lost(EtcdRecord& record, const EtcdTurnQuestion& question,
                            std::int64_t now_ms, const EtcdTurnSettings& settings) {
  record.lost.emplace(question.node, now_ms);
  if (!question.request.state_mount_present) {
    return pass(fmt::format(
        "etcd on {} has no data and its state mount is missing: mount the disk and reboot; nothing was removed",
        question.node));
  }
  if (record.lost.size() > 1) {
    std::string names;
    for (const auto& [name, since] : record.lost) names += (names.empty() ? "" : ", ") + name;
    return pass(fmt::format(
        "etcd members {} came back without data at once: nothing is removed. Bring their disks back, or restore etcd from a snapshot on one of them: {}",
        names, way_to_restore(question.cluster, question.node, question.masters)));
  }
  const bool is_alone =
      std::none_of(record.members.begin(), record.members.end(),
                   [&question](const auto& member) { return member.first != question.node; });
  if (is_alone) {
    return pass(fmt::format(
        "etcd on {} was the only member of {} and came back without its data: bring its disk back, or restore etcd from a snapshot on it: {}",
        question.node, question.cluster,
        way_to_restore(question.cluster, question.node, question.masters)));
  }
  return join(record, question, now_ms, settings);
}

// One that was given the right to start and has no data. Until a member reported, it was only slow
// or killed; later it may be one that ran, and lost its data before it could say so.
EtcdTurnAnswer start_again(EtcdRecord& record, const EtcdTurnQuestion& question,
                           std::int64_t now_ms, const EtcdTurnSettings& settings) {
  if (now_ms - record.granted_at <= settings.start_limit.count()) {
    return start_new(record, question.masters);
  }
  if (!record.cluster_id.empty()) return replace_lost(record, question, now_ms, settings);
  if (question.request.peer_answered) return wait("waits for the etcd that runs to be reported");
  return start_new(record, question.masters);
}

EtcdTurnAnswer first_bring_up(EtcdRecord& record, const EtcdTurnQuestion& question,
                              std::int64_t now_ms, const EtcdTurnSettings& settings) {
  if (question.request.peer_answered) {
    return pass(fmt::format(
        "etcd of {} was never initialised by this server, but a listed master answers on its etcd port: starting another would split the cluster. If the server's store was lost, restore it",
        question.cluster));
  }
  // A window that nobody used up starts anew: masters that asked long ago may be off by now.
  const auto age = now_ms - record.first_asked;
  if (record.asked.empty() || age > 10 * settings.window.count()) {
    record.asked.clear();
    record.first_asked = now_ms;
  }
  record.asked[question.node] = now_ms;
  const auto has_asked = [&record](const MachineAddress& master) {
    return record.asked.contains(master.name);
  };
  if (std::all_of(question.masters.begin(), question.masters.end(), has_asked)) {
    for (const auto& master : question.masters) record.initial_members.push_back(master.name);
    record.granted_at = now_ms;
    record.before.clear();
    return start_new(record, question.masters);
  }
  const auto& master = question.masters.front().name;
  if (now_ms - record.first_asked < settings.window.count())
    return wait("waits for the other masters to ask");
  if (question.node != master)
    return wait(fmt::format("waits for the master {} to start etcd", master));
  record.initial_members = {master};
  record.granted_at = now_ms;
  record.before.clear();
  return start_new(record, question.masters);
}

// A machine that is no master any more is neither a member to be replaced nor a loss to be healed.
void forget_departed(EtcdRecord& record, const std::vector<MachineAddress>& masters) {
  const auto has_left = [&masters](const std::string& name) {
    return std::none_of(masters.begin(), masters.end(),
                        [&name](const MachineAddress& master) { return master.name == name; });
  };
  const auto is_of_departed = [&has_left](const auto& row) { return has_left(row.first); };
  std::erase_if(record.members, is_of_departed);
  std::erase_if(record.lost, is_of_departed);
  if (has_left(record.joining)) record.joining.clear();
}

// What was written while the clock was ahead counts from now on: nobody waits as long as the clock
// was wrong.
void bring_back(EtcdRecord& record, std::int64_t now_ms) {
  for (auto* time : {&record.first_asked, &record.granted_at, &record.joining_since,
                     &record.restored_at, &record.reinitialised_at})
    *time = std::min(*time, now_ms);
  for (auto& [node, since] : record.lost) since = std::min(since, now_ms);
}

EtcdTurnAnswer decide(EtcdRecord& record, const EtcdTurnQuestion& question, std::int64_t now_ms,
                      const EtcdTurnSettings& settings) {
  forget_departed(record, question.masters);
  bring_back(record, now_ms);
  if (!record.restored_on.empty() && record.cluster_id.empty()) {
    return await_restored(record, question);
  }
  if (question.request.has_data) return note_existing(record, question);
  if (record.members.contains(question.node))
    return replace_lost(record, question, now_ms, settings);
  // One that runs may be known by its reports alone, after `muster cluster reinitialise`.
  if (!record.cluster_id.empty() && record.initial_members.empty()) {
    return join(record, question, now_ms, settings);
  }
  if (record.initial_members.empty()) return first_bring_up(record, question, now_ms, settings);
  if (contains(record.initial_members, question.node)) {
    return start_again(record, question, now_ms, settings);
  }
  return join(record, question, now_ms, settings);
}

bool awaits_restored(const EtcdRecord& record) {
  return !record.restored_on.empty() && record.cluster_id.empty();
}

// Not of what went on before a restore, or before the member lost its data.
bool is_news(const EtcdRecord& record, const EtcdMemberReport& report) {
  if (awaits_restored(record) &&
      (report.node != record.restored_on || report.sent_at_ms < record.restored_at))
    return false;
  const auto lost = record.lost.find(report.node);
  return lost == record.lost.end() || report.sent_at_ms >= lost->second;
}

}  // namespace

Result<EtcdTurnAnswer> decide_etcd_turn(Store& store, const EtcdTurnQuestion& question,
                                        std::int64_t now_ms, const EtcdTurnSettings& settings) {
  const auto is_asker = [&question](const MachineAddress& master) {
    return master.name == question.node;
  };
  if (std::none_of(question.masters.begin(), question.masters.end(), is_asker)) {
    return fail(ErrorKind::not_found, fmt::format("'{}' is no master or follower of cluster '{}'",
                                                  question.node, question.cluster));
  }
  EtcdTurnAnswer answer;
  auto updated = update(
      store, kinds::etcd, question.cluster,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        auto record = parse_etcd_record(value);
        // What cannot be read is learned anew from who has data, which gives nobody the right to
        // initialise; whoever has none waits for that.
        if (!record) {
          if (!question.request.has_data) return pass(record.error());
          EtcdRecord learned;
          answer = note_existing(learned, question);
          if (!learned.cluster_id.empty())
            transaction.put(kinds::etcd, question.cluster, to_json(learned));
          return {};
        }
        const std::string before = to_json(*record);
        answer = decide(*record, question, now_ms, settings);
        // Asking again is common: only what changed is written.
        if (auto after = to_json(*record); after != before || !value) {
          auto there =
              value ? Result<void>() : expect_cluster(store, question.cluster, transaction);
          if (!there) return there;
          transaction.put(kinds::etcd, question.cluster, std::move(after));
        }
        return {};
      });
  if (!updated)
    return while_doing(updated.error(), fmt::format("etcd turn of '{}'", question.node));
  return answer;
}

Result<void> note_etcd_member(Store& store, const EtcdMemberReport& report) {
  auto noted = update(
      store, kinds::etcd, report.cluster,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        auto record = parse_etcd_record(value);
        if (!record) {
          if (report.cluster_id.empty()) return pass(record.error());
          record = EtcdRecord{};
        }
        const std::string before = to_json(*record);
        if (report.now_ms != 0) bring_back(*record, report.now_ms);
        if (is_of_another_cluster(*record, report.cluster_id) && !awaits_restored(*record)) {
          return fail(ErrorKind::conflict,
                      of_another_cluster(*record, report.cluster, report.node, report.cluster_id));
        }
        if (is_news(*record, report))
          note_member(*record, report.node, report.cluster_id, report.member_id);
        if (auto after = to_json(*record); after != before) {
          auto there = value ? Result<void>() : expect_cluster(store, report.cluster, transaction);
          if (!there) return there;
          transaction.put(kinds::etcd, report.cluster, std::move(after));
        }
        return {};
      });
  if (!noted) return while_doing(noted.error(), fmt::format("etcd member of '{}'", report.node));
  return {};
}

}  // namespace muster
