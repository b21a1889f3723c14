// What of the addons fell out of effect is put back.
#include "agent/duties/addon_turn.hpp"

#include <doctest/doctest.h>

#include "unit/agent/duties/fake_cluster.hpp"

using namespace muster;

namespace {

const ObjectId config{"ConfigMap", "kube-system", "coredns"};

// `manager` gives a field of an object's spec another value.
void change(FakeObject& object, const std::string& field, const std::string& manager,
            const std::string& subresource = {}) {
  object.applied["f:spec"].erase("f:" + field);
  nlohmann::json entry = {{"manager", manager},
                          {"operation", "Update"},
                          {"time", "2026-11-21T10:00:00Z"},
                          {"fieldsV1", {{"f:spec", {{"f:" + field, nlohmann::json::object()}}}}}};
  if (!subresource.empty()) entry["subresource"] = subresource;
  object.others.push_back(entry);
}

}  // namespace

TEST_CASE("what somebody deleted is put back in the next turn, with one look, and nothing else") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  cluster.objects.erase(coredns);
  cluster.objects.erase(duties_binding);
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(
      outcome.done ==
      std::vector<std::string>{
          "addon 'muster_roles': ClusterRoleBinding.rbac.authorization.k8s.io muster:duties is gone, put back",
          "addon 'coredns': Deployment.apps kube-system/coredns is gone, put back"});
  CHECK(outcome.unwell.empty());
  CHECK(outcome.addons_ready);
  CHECK(cluster.objects.count(coredns) == 1);
  CHECK(cluster.objects.count(duties_binding) == 1);
  CHECK(cluster.turn(document).done.empty());
  CHECK(cluster.commands.size() == 2);
}

TEST_CASE("what somebody changed is put right; what others added is theirs") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  change(cluster.objects[coredns], "image", "kubectl-edit");
  CHECK(
      cluster.turn(document).done ==
      std::vector<std::string>{
          "addon 'coredns': Deployment.apps kube-system/coredns was changed by kubectl-edit, put back"});
  // A label that was taken off, and a field that nobody has now.
  cluster.objects[config].label.clear();
  cluster.objects[coredns].applied["f:spec"].erase("f:image");
  CHECK(
      cluster.turn(document).done ==
      std::vector<std::string>{
          "addon 'coredns': ConfigMap kube-system/coredns is gone, Deployment.apps kube-system/coredns was changed, put back"});
  change(cluster.objects[coredns], "strategy", "kubectl-edit");
  CHECK(cluster.turn(document).done.empty());
}

TEST_CASE("a Job that was cleared away does not run again") {
  const NodeDocument document =
      document_with({{"once", "batch/v1 Job kube-system once image", {}}});
  FakeCluster cluster;
  cluster.settle(document);
  CHECK(cluster.objects.erase({"Job.batch", "kube-system", "once"}) == 1);
  CHECK(cluster.turn(document).done.empty());
}

TEST_CASE("an autoscaler scales, a person does not") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  change(cluster.objects[coredns], "replicas", "kube-controller-manager", "scale");
  CHECK(cluster.turn(document).done.empty());
  cluster.objects[coredns].others.clear();
  change(cluster.objects[coredns], "replicas", "kubectl", "scale");
  CHECK(cluster.turn(document).done.size() == 1);
  CHECK(cluster.objects[coredns].applied["f:spec"].contains("f:replicas"));
}

TEST_CASE("what others change again and again is put back with a back-off, and named") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  int put_back = 0;
  std::string unwell;
  for (int minute = 0; minute < 60; ++minute) {
    if (cluster.objects[coredns].others.empty()) {
      change(cluster.objects[coredns], "image", "other-operator");
    }
    cluster.hold("m1", std::chrono::seconds(10));
    const DutiesOutcome outcome = cluster.turn(document);
    put_back += static_cast<int>(outcome.done.size());
    if (!outcome.unwell.empty()) unwell = text_of(outcome.unwell);
    CHECK(outcome.addons_ready == outcome.unwell.empty());
    cluster.machine.clock.sleep(std::chrono::minutes(1));
  }
  CHECK(put_back == 8);  // minutes 0, 1, 2, 3, 5, 9, 17, 33
  CHECK(
      unwell.rfind(
          "addon 'coredns': Deployment.apps kube-system/coredns was changed by other-operator; put back 8 times, again in ",
          0) == 0);
  CHECK(unwell.find("find out who does it") != std::string::npos);
  // Two quiet hours later it is news again.
  cluster.machine.clock.sleep(std::chrono::hours(3));
  cluster.hold("m1", std::chrono::seconds(10));
  CHECK(cluster.turn(document).done.size() == 1);
  CHECK(cluster.record()->addons.at("coredns").put_back == 1);
}

TEST_CASE("a kind that the cluster does not know any more is no reason to stop looking") {
  const NodeDocument document = document_with(
      {{"foo",
        "apiextensions.k8s.io/v1 CustomResourceDefinition - foos.example.com\nexample.com/v1 Foo a one",
        {}}});
  FakeCluster cluster;
  cluster.settle(document);
  cluster.unknown = {"Foo.example.com"};
  CHECK(cluster.turn(document).done ==
        std::vector<std::string>{"addon 'foo': Foo.example.com a/one is gone, put back"});
  CHECK(cluster.turn(document).failed.empty());
}

TEST_CASE("a record that is gone or damaged is made anew") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  const std::string good = cluster.objects[record_id()].record;
  for (const char* text : {"", "{", "[]", R"({"addons":{"coredns":{"objects":[[1]]}}})"}) {
    cluster.objects[record_id()].record = text;
    CHECK(cluster.turn(document).addons_ready);
    CHECK(cluster.objects[record_id()].record == good);
  }
}

TEST_CASE("a turn may end anywhere: the next one makes it good") {
  const NodeDocument before = document_with({{"one", "v1 ConfigMap a one", {}}});
  const NodeDocument after =
      document_with({{"two", "example.com/v1 Foo a two", {"deployment/a/two"}}});
  for (std::size_t end = 0; end < 12; ++end) {
    FakeCluster cluster;
    cluster.settle(before);
    const auto answer = cluster.machine.process.answer;
    std::size_t calls = 0;
    cluster.machine.process.answer = [&](const ProcessRequest& request) -> Result<ProcessOutcome> {
      if (calls++ >= end) return fail(ErrorKind::io, "power lost");
      return answer(request);
    };
    static_cast<void>(perform_duties(
        after, example_peers(), cluster.machine.host,
        [&](const std::vector<std::string>& machines) { return cluster.leave(machines); },
        std::chrono::seconds(60)));
    cluster.machine.process.answer = answer;
    CHECK(cluster.turn(after).addons_ready);
    CHECK(cluster.objects.count({"ConfigMap", "a", "one"}) == 0);
    CHECK(cluster.objects.count({"Foo.example.com", "a", "two"}) == 1);
    CHECK(cluster.record()->addons.size() == 2);
    CHECK(cluster.turn(after).done.empty());
  }
}
