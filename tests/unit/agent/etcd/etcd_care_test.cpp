#include "agent/etcd/etcd_care.hpp"

#include <doctest/doctest.h>

#include "fakes/example_document.hpp"
#include "fakes/fake_etcd.hpp"

using namespace muster;

namespace {

struct CareFixture {
  FakeProcess process;
  FakeEtcd etcd;
  NodeDocument document = example_document();  // masters m1 and m2
  std::set<std::string> suspects;

  CareFixture() {
    process.answer = [this](const ProcessRequest& request) { return etcd.answer(request); };
    etcd.members = {{1, "m1", "10.77.0.11"}, {2, "m2", "10.77.0.12"}};
  }
  EtcdCare look(bool is_current = true, EtcdCarer carer = EtcdCarer::holder) {
    EtcdCare care = care_for_etcd(process, document, is_current, carer, suspects);
    suspects = care.suspects;
    return care;
  }
};

}  // namespace

TEST_CASE_FIXTURE(CareFixture, "where all is well a look changes nothing and tells nothing") {
  const auto care = look();
  CHECK(care.done.empty());
  CHECK(care.unwell.empty());
  CHECK(etcd.commands.empty());
  CHECK(process.runs.size() == 2);
}

TEST_CASE_FIXTURE(
    CareFixture,
    "a dead member that is no master's is removed at the second look of a current document") {
  etcd.members.push_back({9, "m9", "10.77.0.19", false, false});
  CHECK(look().done.empty());
  CHECK(look(false).done.empty());
  CHECK(
      look().done ==
      std::vector<std::string>{
          "etcd member m9 (9 at https://10.77.0.19:2380) removed: it is no master's of the inventory"});
  CHECK(etcd.commands == std::vector<std::string>{"member remove 9"});
}

TEST_CASE_FIXTURE(CareFixture, "a follower that joined since the document was fetched stays") {
  etcd.members.push_back({3, "m3", "10.77.0.13", false, false});
  look();
  document.role.cluster.masters.push_back({"m3", "10.77.0.13"});
  look();
  CHECK(etcd.commands.empty());
}

TEST_CASE_FIXTURE(CareFixture, "a member that runs and is a master no more leaves by itself") {
  etcd.members.push_back({9, "m9", "10.77.0.19"});
  look();
  look();
  CHECK(etcd.commands.empty());
}

TEST_CASE_FIXTURE(CareFixture, "a removal that etcd refuses is told") {
  etcd.members.push_back({9, "m9", "10.77.0.19", false, false});
  etcd.broken = {"member remove"};
  look();
  const auto care = look();
  REQUIRE(care.unwell.size() == 1);
  CHECK(care.unwell[0].subject == "etcd member m9");
  CHECK(
      care.unwell[0].message ==
      "etcdctl member remove 9 at https://10.77.0.11:2379,https://10.77.0.12:2379: Error: etcdserver: unhealthy cluster");
}

TEST_CASE_FIXTURE(CareFixture, "a changed address is an update of the member that answers there") {
  document.role.cluster.masters[1].address = "10.77.0.22";
  etcd.members[1].listens_at = "10.77.0.22";
  look();
  CHECK(look().done ==
        std::vector<std::string>{"etcd member m2: known at https://10.77.0.22:2380 from now on"});
  CHECK(etcd.commands ==
        std::vector<std::string>{"member update 2 --peer-urls=https://10.77.0.22:2380"});
  CHECK(look().suspects.empty());
}

TEST_CASE_FIXTURE(
    CareFixture,
    "a master that was not restarted at its new address is waited for; one that is nowhere is told") {
  document.role.cluster.masters[1].address = "10.77.0.22";
  look();
  CHECK(look().unwell.empty());
  etcd.members[1].answers = false;
  look();
  const auto care = look();
  REQUIRE(care.unwell.size() == 1);
  CHECK(
      care.unwell[0].message ==
      "expected peer URL https://10.77.0.22:2380, found https://10.77.0.12:2380, and it answers at neither: reboot m2, or `muster node converge m2`");
  CHECK(etcd.commands.empty());
}

TEST_CASE_FIXTURE(CareFixture, "of two members of one name the dead one at another address goes") {
  etcd.members.push_back({5, "m2", "10.77.0.22", false, false});
  look();
  look();
  CHECK(etcd.commands == std::vector<std::string>{"member remove 5"});
}

TEST_CASE_FIXTURE(CareFixture,
                  "a learner that never started is told while it is a master's, and else removed") {
  etcd.members.push_back({5, "", "10.77.0.22", true, false});
  look();
  look();
  CHECK(etcd.commands == std::vector<std::string>{"member remove 5"});
  etcd.members = {{1, "m1", "10.77.0.11"}, {6, "", "10.77.0.12", true, false}};
  look();
  const auto care = look();
  REQUIRE(care.unwell.size() == 1);
  CHECK(
      care.unwell[0].message ==
      "the learner at https://10.77.0.12:2380 has not started yet; its machine goes on at its next converge");
}

TEST_CASE_FIXTURE(
    CareFixture,
    "one member a look is defragmented, the leader last, and none while one is silent") {
  for (auto& member : etcd.members) member.size = 400u << 20;
  etcd.members[1].answers = false;
  CHECK(look().done.empty());
  etcd.members[1].answers = true;
  CHECK(look().done == std::vector<std::string>{
                           "etcd at https://10.77.0.12:2379 defragmented: 1 MiB, 400 before"});
  CHECK(look().done == std::vector<std::string>{
                           "etcd at https://10.77.0.11:2379 defragmented: 1 MiB, 400 before"});
  CHECK(look().done.empty());
}

TEST_CASE("little that is free, or a small part, is not worth a member's silence") {
  EtcdStatus small, part;
  small.size = 90u << 20;
  part.size = 1000u << 20;
  part.size_in_use = 600u << 20;
  CHECK(next_to_defragment({small, part}) == nullptr);
}

TEST_CASE_FIXTURE(CareFixture,
                  "without space: compacted, defragmented with the leader last, disarmed") {
  etcd.has_no_space = true;
  etcd.quota = 100u << 20;
  for (auto& member : etcd.members) {
    member.size = 100u << 20;
    member.in_use = 20u << 20;
  }
  const auto care = look();
  CHECK(etcd.commands == std::vector<std::string>{"compact 7", "defrag https://10.77.0.12:2379",
                                                  "defrag https://10.77.0.11:2379",
                                                  "alarm disarm"});
  CHECK(care.unwell.empty());
  CHECK(care.done.back() == "etcd: alarm NOSPACE disarmed: there is room again");
}

TEST_CASE_FIXTURE(CareFixture, "what does not fit stays without space, and is told with its cure") {
  etcd.has_no_space = true;
  etcd.quota = 100u << 20;
  etcd.members[1].in_use = 95u << 20;
  const auto care = look();
  CHECK(etcd.has_no_space);
  REQUIRE(care.unwell.size() == 1);
  CHECK(
      care.unwell[0].message ==
      "alarm NOSPACE: the cluster takes no writes; compacted and defragmented, and 95 of 100 MiB at https://10.77.0.12:2379 are in use: delete objects that nobody needs (events, old Secrets and ReplicaSets), or raise componentArguments.etcd.quota-backend-bytes in the inventory");
}

TEST_CASE_FIXTURE(CareFixture, "a database that is nearly full is told") {
  etcd.quota = 100u << 20;
  etcd.members[0].in_use = etcd.members[0].size = 81u << 20;
  const auto care = look();
  REQUIRE(care.unwell.size() == 1);
  CHECK(care.unwell[0].message.rfind("its database holds 81 of 100 MiB", 0) == 0);
}

TEST_CASE_FIXTURE(CareFixture, "without the Lease the leader's machine cares, and no other") {
  etcd.has_no_space = true;
  etcd.leader = 2;
  CHECK(look(true, EtcdCarer::leader).unwell.empty());
  CHECK(etcd.commands.empty());
  etcd.leader = 1;
  look(true, EtcdCarer::leader);
  CHECK_FALSE(etcd.has_no_space);
}

TEST_CASE_FIXTURE(CareFixture, "etcd without a quorum is told") {
  etcd.is_silent = true;
  const auto care = look();
  REQUIRE(care.unwell.size() == 1);
  CHECK(care.unwell[0].subject == "etcd");
  CHECK(
      care.unwell[0].message ==
      "no quorum of its members answers: etcdctl member list --write-out=json at https://10.77.0.11:2379,https://10.77.0.12:2379: Error: context deadline exceeded");
}
