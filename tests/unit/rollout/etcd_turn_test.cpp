#include "rollout/etcd_turn.hpp"
#include "rollout/etcd_reinitialisation.hpp"

#include <doctest/doctest.h>

#include "fakes/unreadable.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;

namespace {

const std::vector<MachineAddress> masters = {
    {"m1", "10.0.0.1"}, {"m2", "10.0.0.2"}, {"m3", "10.0.0.3"}};

struct Arbitration {
  MemoryStore store;
  std::int64_t now = 1000000;

  Arbitration() { REQUIRE(store.commit(Transaction().put(kinds::cluster, "lab", "{}"))); }
  EtcdTurnAnswer ask(const std::string& node, EtcdTurnRequest request = {}) {
    EtcdTurnQuestion question;
    question.cluster = "lab";
    question.node = node;
    question.masters = masters;
    question.request = std::move(request);
    auto answer = decide_etcd_turn(store, question, now);
    REQUIRE(answer);
    return *answer;
  }
  EtcdTurnAnswer runs(const std::string& node, const std::string& member,
                      const std::string& cluster_id = "c1") {
    EtcdTurnRequest request;
    request.has_data = true;
    request.cluster_id = cluster_id;
    request.member_id = member;
    return ask(node, request);
  }
  Result<void> reports(const std::string& node, const std::string& member, std::int64_t sent_at,
                       const std::string& cluster_id = "c1") {
    return note_etcd_member(store, {"lab", node, cluster_id, member, sent_at, now});
  }
  void start_together() {
    for (const auto* node : {"m1", "m2", "m3"}) ask(node);
  }
};

const std::string static_list =
    "m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380,m3=https://10.0.0.3:2380";

}  // namespace

TEST_CASE("all masters within the window start with one static list, and hear it again") {
  Arbitration a;
  CHECK(a.ask("m2").action == "wait");
  CHECK(a.ask("m1").action == "wait");
  CHECK(a.ask("m3").initial_cluster == static_list);
  a.now += 60000;
  for (const auto* node : {"m1", "m2", "m3", "m1"}) {
    CHECK(a.ask(node).action == "start-new");
    CHECK(a.ask(node).initial_cluster == static_list);
  }
}

TEST_CASE("a master alone starts alone when the window ends; the others join one at a time") {
  Arbitration a;
  CHECK(a.ask("m1").reason == "waits for the other masters to ask");
  a.now += 8000;
  CHECK(a.ask("m2").reason == "waits for the master m1 to start etcd");
  CHECK(a.ask("m1").initial_cluster == "m1=https://10.0.0.1:2380");
  CHECK(a.ask("m2").reason == "waits for etcd on m1 to run");
  CHECK(a.runs("m1", "a1").action == "start-existing");
  const auto joining = a.ask("m2");
  CHECK(joining.action == "join");
  CHECK(joining.members == std::vector<std::string>{"https://10.0.0.1:2379"});
  CHECK(a.ask("m3").reason == "waits for m2, which is joining etcd");
  CHECK(a.runs("m2", "a2").action == "start-existing");
  const auto last = a.ask("m3");
  CHECK(last.action == "join");
  CHECK(last.members == std::vector<std::string>{"https://10.0.0.1:2379", "https://10.0.0.2:2379"});
}

TEST_CASE("a joiner that never finishes gives its place away") {
  Arbitration a;
  a.ask("m1");
  a.now += 8000;
  a.ask("m1");
  a.runs("m1", "a1");
  CHECK(a.ask("m2").action == "join");
  a.now += 300001;
  CHECK(a.ask("m3").action == "join");
}

TEST_CASE("followers alone never start a cluster") {
  Arbitration a;
  for (int minute = 0; minute < 5; ++minute) {
    CHECK(a.ask("m2").action == "wait");
    CHECK(a.ask("m3").action == "wait");
    a.now += 60000;
  }
}

TEST_CASE("a peer that answers forbids a new cluster") {
  Arbitration a;
  EtcdTurnRequest request;
  request.peer_answered = true;
  const auto answer = a.ask("m1", request);
  CHECK(answer.action == "refused");
  CHECK(
      answer.reason ==
      "etcd of lab was never initialised by this server, but a listed master answers on its etcd port: starting another would split the cluster. If the server's store was lost, restore it");
}

TEST_CASE("a member of another cluster is refused") {
  Arbitration a;
  a.runs("m1", "a1", "c1");
  CHECK(
      a.runs("m2", "b2", "c2").reason ==
      "etcd on m2 belongs to cluster id c2, but lab runs cluster id c1: its data is of another cluster. To give that data up: move /var/lib/etcd/member away on m2 and reboot it. To go on with that data alone: muster cluster reinitialise lab --confirm --restored-on m2");
}

TEST_CASE("a member that lost its data may replace itself") {
  Arbitration a;
  for (const auto* node : {"m1", "m2", "m3"}) a.runs(node, node);
  const auto answer = a.ask("m2");
  CHECK(answer.action == "join");
  CHECK(answer.members ==
        std::vector<std::string>{"https://10.0.0.1:2379", "https://10.0.0.3:2379"});
}

TEST_CASE("two members lost at once: both stop, until one of them is back") {
  Arbitration a;
  for (const auto* node : {"m1", "m2", "m3"}) a.runs(node, node);
  a.ask("m2");
  const auto third = a.ask("m3"), second = a.ask("m2");
  CHECK(third.action == "refused");
  CHECK(second.action == "refused");
  CHECK(
      second.reason ==
      "etcd members m2, m3 came back without data at once: nothing is removed. Bring their disks back, or restore etcd from a snapshot on one of them: on m2: systemctl stop muster-agent kube-apiserver etcd; mv /var/lib/etcd/member /var/lib/etcd/member.old; /opt/muster/current/etcd/bin/etcdutl snapshot restore SNAPSHOT --data-dir /var/lib/etcd/restored --name m2 --initial-cluster m2=https://10.0.0.2:2380 --initial-advertise-peer-urls https://10.0.0.2:2380 --initial-cluster-token lab-$(date +%s) --bump-revision 1000000000 --mark-compacted; mv /var/lib/etcd/restored/member /var/lib/etcd/member; then `muster cluster reinitialise lab --confirm --restored-on m2`, and reboot every master");
  // A report from before the loss is no return; one from after it is.
  REQUIRE(a.reports("m3", "m3", a.now - 1));
  CHECK(a.ask("m2").action == "refused");
  REQUIRE(a.reports("m3", "m3", a.now + 1));
  CHECK(a.ask("m2").action == "join");
}

TEST_CASE("a report makes the cluster id final, and lets the others join") {
  Arbitration a;
  a.ask("m1");
  a.now += 8000;
  CHECK(a.ask("m1").action == "start-new");
  CHECK(a.ask("m2").reason == "waits for etcd on m1 to run");
  REQUIRE(a.reports("m1", "a1", a.now));
  CHECK(a.ask("m2").action == "join");
  CHECK(
      a.reports("m2", "b2", a.now, "c2").error().message ==
      "etcd member of 'm2': etcd on m2 belongs to cluster id c2, but lab runs cluster id c1: its data is of another cluster. To give that data up: move /var/lib/etcd/member away on m2 and reboot it. To go on with that data alone: muster cluster reinitialise lab --confirm --restored-on m2");
}

TEST_CASE("a report that says nothing new is not written") {
  Arbitration a;
  REQUIRE(a.reports("m1", "a1", a.now));
  const auto version = a.store.get(kinds::etcd, "lab")->version;
  REQUIRE(a.reports("m1", "a1", a.now + 1));
  CHECK(a.store.get(kinds::etcd, "lab")->version == version);
}

TEST_CASE("the right to start is not repeated for a member that may have run") {
  Arbitration a;
  a.start_together();
  REQUIRE(a.reports("m1", "a1", a.now));
  REQUIRE(a.reports("m2", "a2", a.now));
  a.now += 600000;
  CHECK(a.ask("m3").action == "start-new");  // slow, or killed before its first write
  a.now += 1;
  CHECK(a.ask("m3").action == "join");  // its old self is removed from etcd first
}

TEST_CASE("masters that were switched off before any etcd ran start as they were told") {
  Arbitration a;
  a.start_together();
  a.now += 3600000;
  EtcdTurnRequest request;
  request.peer_answered = true;
  CHECK(a.ask("m3", request).reason == "waits for the etcd that runs to be reported");
  CHECK(a.ask("m3").initial_cluster == static_list);
}

TEST_CASE("the only member is never replaced by an empty one") {
  Arbitration a;
  a.runs("m1", "a1");
  a.now += 3600000;
  CHECK(
      a.ask("m1").reason ==
      "etcd on m1 was the only member of lab and came back without its data: bring its disk back, or restore etcd from a snapshot on it: on m1: systemctl stop muster-agent kube-apiserver etcd; mv /var/lib/etcd/member /var/lib/etcd/member.old; /opt/muster/current/etcd/bin/etcdutl snapshot restore SNAPSHOT --data-dir /var/lib/etcd/restored --name m1 --initial-cluster m1=https://10.0.0.1:2380 --initial-advertise-peer-urls https://10.0.0.1:2380 --initial-cluster-token lab-$(date +%s) --bump-revision 1000000000 --mark-compacted; mv /var/lib/etcd/restored/member /var/lib/etcd/member; then `muster cluster reinitialise lab --confirm --restored-on m1`, and reboot every master");
}

TEST_CASE(
    "after reinitialise the masters start anew; without a record there is nothing to forget") {
  Arbitration a;
  Transaction transaction;
  CHECK(reinitialise_etcd(a.store, "lab", {}, transaction).error().kind == ErrorKind::not_found);
  a.runs("m1", "a1");
  REQUIRE(reinitialise_etcd(a.store, "lab", {}, transaction));
  REQUIRE(a.store.commit(transaction));
  a.start_together();
  CHECK(a.ask("m1").initial_cluster == static_list);
}

TEST_CASE("restored on one master: its word alone counts, and every other joins it empty") {
  Arbitration a;
  for (const auto* node : {"m1", "m2", "m3"}) a.runs(node, node);
  Transaction transaction;
  REQUIRE(reinitialise_etcd(a.store, "lab", {"m2", a.now}, transaction));
  REQUIRE(a.store.commit(transaction));
  CHECK(a.ask("m1").reason == "waits for etcd on m2, which was restored from a snapshot, to run");
  CHECK(a.runs("m3", "m3").action == "wait");
  CHECK(
      a.ask("m2").reason ==
      "etcd on m2: expected the data of a restored snapshot, found none: on m2: systemctl stop muster-agent kube-apiserver etcd; mv /var/lib/etcd/member /var/lib/etcd/member.old; /opt/muster/current/etcd/bin/etcdutl snapshot restore SNAPSHOT --data-dir /var/lib/etcd/restored --name m2 --initial-cluster m2=https://10.0.0.2:2380 --initial-advertise-peer-urls https://10.0.0.2:2380 --initial-cluster-token lab-$(date +%s) --bump-revision 1000000000 --mark-compacted; mv /var/lib/etcd/restored/member /var/lib/etcd/member; then `muster cluster reinitialise lab --confirm --restored-on m2`, and reboot every master");
  CHECK(a.runs("m2", "m2", "").action == "start-existing");
  // What went on before, or what m2 said before it was restored, decides nothing.
  REQUIRE(a.reports("m3", "m3", a.now + 1));
  REQUIRE(a.reports("m2", "m2", a.now - 1));
  CHECK(a.ask("m1").action == "wait");
  REQUIRE(a.reports("m2", "b2", a.now + 1, "c2"));
  const auto answer = a.runs("m3", "m3");
  CHECK(answer.action == "rejoin");
  CHECK(answer.reason ==
        "lab goes on from the snapshot that was restored on m2, without the data of m3");
  CHECK(a.ask("m3").action == "join");  // the same without its data
  CHECK(a.ask("m1").reason == "waits for m3, which is joining etcd");
  REQUIRE(a.reports("m3", "b3", a.now + 2, "c2"));
  CHECK(a.ask("m1").members ==
        std::vector<std::string>{"https://10.0.0.2:2379", "https://10.0.0.3:2379"});
}

TEST_CASE("forgotten, and known again by the report of one that still has its data") {
  Arbitration a;
  a.runs("m1", "a1");
  Transaction transaction;
  REQUIRE(reinitialise_etcd(a.store, "lab", {}, transaction));
  REQUIRE(a.store.commit(transaction));
  REQUIRE(a.reports("m1", "a1", a.now));
  EtcdTurnRequest request;
  request.peer_answered = true;
  CHECK(a.ask("m2", request).action == "join");
}

TEST_CASE("who is no master any more is no lost member") {
  Arbitration a;
  for (const auto* node : {"m1", "m2", "m3"}) a.runs(node, node);
  a.ask("m3");
  EtcdTurnQuestion question;
  question.cluster = "lab";
  question.node = "m2";
  question.masters = {masters[0], masters[1]};
  CHECK(decide_etcd_turn(a.store, question, a.now)->action == "join");
}

TEST_CASE("a missing state mount is no lost disk") {
  Arbitration a;
  a.runs("m1", "a1");
  EtcdTurnRequest request;
  request.state_mount_present = false;
  CHECK(
      a.ask("m1", request).reason ==
      "etcd on m1 has no data and its state mount is missing: mount the disk and reboot; nothing was removed");
}

TEST_CASE("a node is told that it is no master") {
  MemoryStore store;
  EtcdTurnQuestion question;
  question.cluster = "lab";
  question.node = "n1";
  question.masters = masters;
  CHECK(decide_etcd_turn(store, question, 0).error().message ==
        "'n1' is no master or follower of cluster 'lab'");
}

TEST_CASE("the right is recorded before it is answered") {
  Arbitration a;
  for (const auto* node : {"m1", "m2", "m3"}) a.ask(node);
  auto record = a.store.get(kinds::etcd, "lab");
  REQUIRE(record);
  CHECK(record->value.find("\"initialMembers\":[\"m1\",\"m2\",\"m3\"]") != std::string::npos);
}

TEST_CASE("what was asked while the clock was ahead is waited for no longer than usual") {
  constexpr std::int64_t day = 24LL * 3600 * 1000;
  Arbitration a;
  a.now += day;
  CHECK(a.ask("m1").action == "wait");
  a.now -= day;
  CHECK(a.ask("m1").action == "wait");
  a.now += 8000;
  CHECK(a.ask("m1").action == "start-new");
  a.runs("m1", "e1");
  a.now += day;
  CHECK(a.ask("m2").action == "join");  // and dies
  a.now -= day;
  CHECK(a.ask("m3").action == "wait");
  a.now += 300001;
  CHECK(a.ask("m3").action == "join");
}

TEST_CASE("a member that was lost while the clock was ahead is known by its next report") {
  constexpr std::int64_t day = 24LL * 3600 * 1000;
  Arbitration a;
  a.start_together();
  for (const auto* node : {"m1", "m2", "m3"}) a.runs(node, std::string("e-") + node);
  a.now += day;
  EtcdTurnRequest empty;
  empty.state_mount_present = true;
  CHECK(a.ask("m2", empty).action == "join");
  a.now -= day;
  REQUIRE(a.reports("m2", "e-new", a.now));
  a.now += 60000;
  CHECK(a.ask("m3", empty).action == "join");  // the one that is lost
}

TEST_CASE("a master that asks while its cluster ends leaves nothing to the next of that name") {
  Arbitration a;
  REQUIRE(a.store.commit(Transaction().remove(kinds::cluster, "lab")));
  EtcdTurnQuestion question;
  question.cluster = "lab";
  question.node = "m1";
  question.masters = masters;
  const auto answer = decide_etcd_turn(a.store, question, a.now);
  REQUIRE_FALSE(answer);
  CHECK(
      answer.error().message ==
      "etcd turn of 'm1': cluster 'lab': it has ended; `muster status` shows the clusters there are");
  CHECK_FALSE(note_etcd_member(a.store, {"lab", "m1", "c1", "e1", a.now, a.now}));
  CHECK(*a.store.count(kinds::etcd) == 0);
}

TEST_CASE(
    "a record that cannot be read is learned anew, and gives nobody the right to initialise") {
  Arbitration a;
  a.start_together();
  a.runs("m1", "a1");
  a.runs("m2", "a2");
  make_unreadable(a.store, kinds::etcd, "lab");
  EtcdTurnQuestion empty;
  empty.cluster = "lab";
  empty.node = "m3";
  empty.masters = masters;
  CHECK_FALSE(decide_etcd_turn(a.store, empty, a.now));
  SUBCASE("from a report") {
    CHECK(a.reports("m1", "a1", a.now));
  }
  SUBCASE("from who has data and knows of which cluster") {
    CHECK(a.runs("m1", "a1").action == "start-existing");
  }
  SUBCASE("from a report, after one that has data and knows no more") {
    EtcdTurnRequest request;
    request.has_data = true;
    CHECK(a.ask("m2", request).action == "start-existing");
    CHECK_FALSE(decide_etcd_turn(a.store, empty, a.now));
    CHECK(a.reports("m1", "a1", a.now));
  }
  CHECK(a.ask("m3").action == "join");
  CHECK_FALSE(a.reports("m2", "b2", a.now, "c2"));
}

TEST_CASE("etcd whose record cannot be read may be initialised anew by an order") {
  Arbitration a;
  a.start_together();
  make_unreadable(a.store, kinds::etcd, "lab");
  Transaction transaction;
  REQUIRE(reinitialise_etcd(a.store, "lab", {"", a.now, "operator root"}, transaction));
  REQUIRE(a.store.commit(transaction));
  CHECK(a.ask("m1").action == "wait");
  Transaction back;
  CHECK_FALSE(cancel_reinitialisation(a.store, "lab", back));
}
