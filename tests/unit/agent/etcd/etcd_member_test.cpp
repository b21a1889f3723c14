#include "agent/etcd/etcd_member.hpp"

#include <doctest/doctest.h>

#include "agent/etcd/control_plane_departure.hpp"
#include "agent/etcd/etcd_data.hpp"
#include "agent/paths.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_etcd.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

// m2 of an etcd of three, whose server is real in what it answers and whose machine is in memory.
struct MemberFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  FakeServer server{site};
  FakeEtcd etcd;
  Settings settings;
  Checkpoint checkpoint;
  std::vector<std::string> notes;
  Memory memory;
  Reporter reporter{machine.host, checkpoint, memory,
                    [this](std::string_view line) { notes.emplace_back(line); }};
  NodeDocument document = example_document(Role::follower);
  Run run{machine.host, network,  settings,
          checkpoint,   reporter, Deadline(machine.clock, std::chrono::minutes(10)),
          false,        false,    memory};

  MemberFixture() {
    machine.process.answer = [this](const ProcessRequest& request) { return etcd.answer(request); };
    etcd.members = {{1, "m1", "10.77.0.11"}, {2, "m2", "10.77.0.12"}, {3, "m3", "10.77.0.13"}};
    document.role.cluster.masters = {
        {"m1", "10.77.0.11"}, {"m2", "10.77.0.12"}, {"m3", "10.77.0.13"}};
  }

  void put_data() { machine.files.put(std::string(paths::etcd_data) + "/member/wal", "W"); }

  void be_voter() {
    put_data();
    checkpoint.etcd_started = true;
    checkpoint.etcd_cluster_id = "c1";
    checkpoint.etcd_member_id = "2";
    checkpoint.etcd_address = "10.77.0.12";
    REQUIRE(note_member(machine.files, checkpoint));
    machine.services.active = {"etcd.service"};
  }

  void answer(const std::string& action) {
    site.turn = {action, "", {"https://10.77.0.11:2379", "https://10.77.0.13:2379"}, "told so", {}};
  }

  void without_data_joins() {
    site.turn_without_data = EtcdTurnAnswer{"join", "", {"https://10.77.0.11:2379"}, "", {}};
  }

  std::string prepare() {
    const auto turn = ask_turn(run, &server, document);
    if (!turn) return turn.error().error.message;
    const auto prepared = prepare_member(run, &server, document, *turn);
    return prepared ? prepared->action : prepared.error().error.message;
  }

  // etcd is started with what was prepared.
  void start() {
    put_data();
    machine.services.active.insert("etcd.service");
    for (auto& member : etcd.members) {
      if (member.name.empty()) member.name = "m2";
    }
  }
};

}  // namespace

TEST_CASE_FIXTURE(MemberFixture,
                  "a voter that serves asks nobody; one that does not asks, and starts as ever") {
  be_voter();
  network.etcd_health = 200;
  CHECK_FALSE(needs_turn(run, document));
  network.etcd_health = 0;
  machine.services.active.clear();
  CHECK(needs_turn(run, document));
  answer("start-existing");
  CHECK(ask_turn(run, &server, document)->action == "");
  CHECK(ask_turn(run, nullptr, document)->action == "");
  site.is_away = true;
  CHECK(ask_turn(run, &server, document)->action == "");
  CHECK(machine.process.runs.empty());
}

TEST_CASE_FIXTURE(
    MemberFixture,
    "a master whose address changed is an update of its member, once it listens there") {
  be_voter();
  document.role.address = document.role.cluster.masters[1].address = "10.77.0.22";
  network.etcd_health = 200;
  CHECK(needs_turn(run, document));
  answer("start-existing");
  CHECK(prepare() == "start-existing");
  // It was not restarted yet.
  REQUIRE(finish_member(run, document));
  CHECK(etcd.commands.empty());
  CHECK(checkpoint.etcd_address == "10.77.0.12");
  etcd.members[1].listens_at = "10.77.0.22";
  REQUIRE(finish_member(run, document));
  CHECK(etcd.commands ==
        std::vector<std::string>{"member update 2 --peer-urls=https://10.77.0.22:2380"});
  CHECK(checkpoint.etcd_member_id == "2");
  CHECK_FALSE(needs_turn(run, document));
}

TEST_CASE_FIXTURE(MemberFixture,
                  "a replaced master with another address removes its former self first") {
  document.role.address = document.role.cluster.masters[1].address = "10.77.0.22";
  etcd.members[1].answers = false;
  answer("join");
  CHECK(prepare() == "join");
  CHECK(etcd.commands == std::vector<std::string>{
                             "snapshot save /var/lib/muster/etcd-snapshots/before-removal-of-2.db",
                             "member remove 2",
                             "member add m2 --learner --peer-urls=https://10.77.0.22:2380"});
  CHECK(checkpoint.etcd_start.initial_cluster ==
        "m1=https://10.77.0.11:2380,m3=https://10.77.0.13:2380,m2=https://10.77.0.22:2380");
  start();
  REQUIRE(finish_member(run, document));
  CHECK(etcd.names() == std::vector<std::string>{"m1", "m3", "m2"});
  CHECK_FALSE(etcd.members.back().is_learner);
  CHECK(checkpoint.etcd_member_id == "64");
}

TEST_CASE_FIXTURE(MemberFixture,
                  "a former self that answers at its old address is another machine") {
  document.role.address = document.role.cluster.masters[1].address = "10.77.0.22";
  answer("join");
  CHECK(
      prepare() ==
      "etcd: this machine's data is gone, but its member answers at https://10.77.0.12:2379: find the other machine with this address; nothing was removed");
  CHECK(etcd.commands.empty());
}

TEST_CASE_FIXTURE(MemberFixture, "a learner that never started and is no master's makes room") {
  etcd.members[1] = {7, "", "10.77.0.19", true, false};
  answer("join");
  CHECK(prepare() == "join");
  CHECK(etcd.commands[0] == "member remove 7");
  // Cut off here, it goes on with the learner that it added.
  etcd.commands.clear();
  CHECK(prepare() == "join");
  CHECK(etcd.commands.empty());
}

TEST_CASE_FIXTURE(MemberFixture,
                  "data of before the restore is set aside, and the machine joins empty") {
  be_voter();
  machine.services.active.insert("kube-apiserver.service");
  etcd.cluster_id = 0xc2;  // of m1, restored
  etcd.members = {{1, "m1", "10.77.0.11"}};
  answer("rejoin");
  without_data_joins();
  CHECK(prepare() == "join");
  CHECK(machine.services.active.empty());
  CHECK_FALSE(has_etcd_data(machine.files));
  CHECK(machine.files.text("/var/lib/etcd/member-of-c1-1795000000/wal") == "W");
  CHECK(checkpoint.etcd_start.initial_cluster ==
        "m1=https://10.77.0.11:2380,m2=https://10.77.0.12:2380");
  start();
  REQUIRE(finish_member(run, document));
  CHECK(checkpoint.etcd_cluster_id == "c2");
}

TEST_CASE_FIXTURE(MemberFixture, "data of a quorum that still answers is never set aside") {
  be_voter();
  answer("rejoin");
  const std::string expected =
      "etcd: cluster id c1, which was given up for one restored from a snapshot, still has its quorum and answers on {}; nothing was touched. To go on with it after all: muster cluster reinitialise lab --confirm --restored-on {}. To give it up: systemctl stop muster-agent etcd on its masters, then reboot them one by one";
  CHECK(prepare() == fmt::format(fmt::runtime(expected), "m1", "m1"));
  network.etcd_health = 200;
  CHECK(prepare() == fmt::format(fmt::runtime(expected), "m2", "m2"));
  CHECK(has_etcd_data(machine.files));
  CHECK(machine.services.active.count("etcd.service") == 1);
}

TEST_CASE_FIXTURE(MemberFixture, "other data than before is nothing that the old ids say") {
  be_voter();
  REQUIRE(machine.files.remove(std::string(paths::etcd_data) + "/member"));
  put_data();
  CHECK(needs_turn(run, document));
  answer("start-existing");
  CHECK(prepare() == "start-existing");
  CHECK(checkpoint.etcd_cluster_id == "");
  etcd.cluster_id = 0xc2;
  etcd.members = {{8, "m2", "10.77.0.12"}};
  REQUIRE(finish_member(run, document));
  CHECK(checkpoint.etcd_cluster_id == "c2");
  CHECK(checkpoint.etcd_member_id == "8");
}

TEST_CASE_FIXTURE(MemberFixture,
                  "a member that somebody removed joins anew once its etcd does not stay up") {
  be_voter();
  etcd.members.erase(etcd.members.begin() + 1);
  machine.services.active.clear();
  answer("start-existing");
  CHECK(ask_turn(run, &server, document)->action == "");
  machine.services.states["etcd.service"] = "activating";
  without_data_joins();
  CHECK(prepare() == "join");
  CHECK(machine.files.text("/var/lib/etcd/member-of-c1-1795000000/wal") == "W");
  CHECK(etcd.commands ==
        std::vector<std::string>{"member add m2 --learner --peer-urls=https://10.77.0.12:2380"});
}

TEST_CASE_FIXTURE(
    MemberFixture,
    "a master that becomes a node leaves etcd, then loses what only a master may have") {
  be_voter();
  machine.files.put("/var/lib/muster/etcd-snapshots/a.db", "S");
  machine.files.put("/var/lib/muster/certificates/etcd-peer/1/tls.key", "K");
  machine.files.put("/var/lib/muster/certificates/kubelet-client/1/tls.key", "K");
  machine.files.put("/etc/kubernetes/pki/ca-etcd.crt", "C");
  REQUIRE(machine.files.make_directory(paths::kubernetes_pki, 0755, "root"));
  REQUIRE(machine.files.link("/etc/kubernetes/pki/etcd-peer", "/x"));
  machine.services.active = {"etcd.service", "kube-apiserver.service", "kubelet.service"};
  checkpoint.units["kube-apiserver.service"] = {};
  document.role.role = Role::node;
  document.role.cluster.masters.erase(document.role.cluster.masters.begin() + 1);
  CertificateSpec kept;
  kept.name = "kubelet-client";
  document.certificates = {kept};

  etcd.broken = {"member remove"};
  const auto refused = leave_control_plane(run, document);
  REQUIRE_FALSE(refused);
  CHECK(
      refused.error().error.message ==
      "this machine is a node now and must leave etcd first: etcdctl member remove 2 at https://127.0.0.1:2379,https://10.77.0.11:2379,https://10.77.0.13:2379: Error: etcdserver: unhealthy cluster");
  CHECK(has_etcd_data(machine.files));
  CHECK(machine.services.active.size() == 3);
  CHECK(machine.files.has("/var/lib/muster/certificates/etcd-peer/1/tls.key"));

  etcd.broken.clear();
  REQUIRE(leave_control_plane(run, document));
  CHECK(etcd.names() == std::vector<std::string>{"m1", "m3"});
  CHECK(machine.services.active == std::set<std::string>{"kubelet.service"});
  CHECK(machine.files.list(paths::etcd_data).value().empty());
  CHECK_FALSE(machine.files.has("/var/lib/muster/etcd-snapshots/a.db"));
  CHECK_FALSE(machine.files.has("/etc/kubernetes/pki/etcd-peer"));
  CHECK_FALSE(machine.files.has("/var/lib/muster/certificates/etcd-peer/1/tls.key"));
  CHECK(machine.files.has("/var/lib/muster/certificates/kubelet-client/1/tls.key"));
  CHECK(checkpoint.units.empty());
  // Once.
  etcd.commands.clear();
  machine.services.calls.clear();
  REQUIRE(leave_control_plane(run, document));
  CHECK(etcd.commands.empty());
  CHECK(machine.services.calls.empty());
}

TEST_CASE("cut off at any change, a machine that leaves goes on at its next boot") {
  for (int at = 0;; ++at) {
    MemberFixture fresh;
    fresh.be_voter();
    fresh.machine.files.put("/var/lib/muster/certificates/etcd-peer/1/tls.key", "K");
    REQUIRE(save(fresh.checkpoint, fresh.machine.files));
    fresh.document.role.role = Role::node;
    fresh.document.role.cluster.masters.erase(fresh.document.role.cluster.masters.begin() + 1);
    fresh.machine.files.restart();
    fresh.machine.files.crash_at = at;
    const bool was_cut = !leave_control_plane(fresh.run, fresh.document);
    fresh.machine.files.restart();
    fresh.machine.services.active.clear();
    fresh.checkpoint = must(load_checkpoint(fresh.machine.files));
    REQUIRE(leave_control_plane(fresh.run, fresh.document));
    CHECK(fresh.etcd.names() == std::vector<std::string>{"m1", "m3"});
    CHECK_FALSE(has_etcd_data(fresh.machine.files));
    CHECK_FALSE(fresh.machine.files.has("/var/lib/muster/certificates/etcd-peer/1/tls.key"));
    if (!was_cut) break;
  }
}

TEST_CASE_FIXTURE(MemberFixture, "the last member with a vote does not leave") {
  be_voter();
  etcd.members = {{2, "m2", "10.77.0.12"}, {9, "", "10.77.0.11", true}};
  document.role.role = Role::node;
  document.role.cluster.masters = {{"m1", "10.77.0.11"}};
  const auto refused = leave_control_plane(run, document);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == FailureClass::etcd);
  CHECK(
      refused.error().error.message ==
      "this machine is a node now and must leave etcd first: etcd: member 2 of m2 is the last one with a vote, and the cluster would be gone with it: expected another master to have joined; nothing was removed");
  CHECK(etcd.commands.empty());
  CHECK(has_etcd_data(machine.files));
}

TEST_CASE_FIXTURE(MemberFixture,
                  "of two masters one leaves with its own vote: its etcd is started for it") {
  be_voter();
  machine.services.active.clear();
  etcd.members.pop_back();
  etcd.members[0].answers = false;  // no quorum
  document.role.role = Role::node;
  document.role.cluster.masters = {{"m1", "10.77.0.11"}};
  REQUIRE(leave_control_plane(run, document));
  CHECK(machine.services.calls.front() == "start etcd.service");
  CHECK(etcd.commands == std::vector<std::string>{"member remove 2"});
}
