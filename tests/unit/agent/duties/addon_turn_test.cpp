// What of the addons fell out of effect is put back; what no addon has any more is pruned.
#include "agent/duties/addon_turn.hpp"

#include <doctest/doctest.h>

#include "unit/agent/duties/fake_cluster.hpp"

using namespace muster;

namespace {

const ObjectId coredns{"Deployment.apps", "kube-system", "coredns"};
const ObjectId config{"ConfigMap", "kube-system", "coredns"};
const ObjectId binding{"ClusterRoleBinding.rbac.authorization.k8s.io", "", "muster:duties"};

NodeDocument document_with(std::vector<AddonSpec> addons) {
  NodeDocument document = example_document();
  document.config.addons = std::move(addons);
  return document;
}

NodeDocument with_dns() {
  return document_with({{"coredns",
                         "v1 ConfigMap kube-system coredns Corefile\n"
                         "apps/v1 Deployment kube-system coredns image replicas",
                         {"deployment/kube-system/coredns"}}});
}

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

std::string text_of(const std::vector<HealthProblem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem.subject + ": " + problem.message + "\n";
  return text;
}

}  // namespace

TEST_CASE("what somebody deleted is put back in the next turn, with one look, and nothing else") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  cluster.objects.erase(coredns);
  cluster.objects.erase(binding);
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(
      outcome.done ==
      std::vector<std::string>{
          "addon 'muster_roles': ClusterRoleBinding.rbac.authorization.k8s.io muster:duties is gone, put back",
          "addon 'coredns': Deployment.apps kube-system/coredns is gone, put back"});
  CHECK(outcome.unwell.empty());
  CHECK(outcome.addons_ready);
  CHECK(cluster.objects.count(coredns) == 1);
  CHECK(cluster.objects.count(binding) == 1);
  CHECK(cluster.turn(document).done.empty());
  CHECK(cluster.commands.size() == 2);
}

TEST_CASE("what somebody changed is put right; what others added is theirs") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  change(cluster.objects[coredns], "image", "kubectl-edit");
  CHECK(cluster.turn(document).done ==
        std::vector<std::string>{
            "addon 'coredns': Deployment.apps kube-system/coredns was changed by kubectl-edit, put "
            "back"});
  // A label that was taken off, and a field that nobody has now.
  cluster.objects[config].label.clear();
  cluster.objects[coredns].applied["f:spec"].erase("f:image");
  CHECK(cluster.turn(document).done ==
        std::vector<std::string>{
            "addon 'coredns': ConfigMap kube-system/coredns is gone, Deployment.apps "
            "kube-system/coredns was changed, put back"});
  change(cluster.objects[coredns], "strategy", "kubectl-edit");
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
  CHECK(unwell.rfind("addon 'coredns': Deployment.apps kube-system/coredns was changed by "
                     "other-operator; put back 8 times, again in ",
                     0) == 0);
  CHECK(unwell.find("find out who does it") != std::string::npos);
  // Two quiet hours later it is news again.
  cluster.machine.clock.sleep(std::chrono::hours(3));
  cluster.hold("m1", std::chrono::seconds(10));
  CHECK(cluster.turn(document).done.size() == 1);
  CHECK(cluster.record()->addons.at("coredns").put_back == 1);
}

TEST_CASE("an addon that left the inventory is pruned, what runs before what it needs") {
  NodeDocument document = document_with(
      {{"extra",
        "v1 ServiceAccount kube-system extra\napps/v1 DaemonSet kube-system extra image\n"
        "example.com/v1 Foo kube-system one",
        {}}});
  FakeCluster cluster;
  cluster.settle(document);
  CHECK(cluster.record()->kinds == std::set<std::string>{"Foo.example.com"});
  // Copies, and what a controller derives from it, bear the label too.
  FakeObject& copy = cluster.objects[{"DaemonSet.apps", "team", "my-extra"}];
  copy.label = "extra";
  copy.others.push_back({{"manager", "kubectl-create"}, {"operation", "Update"}});
  document.config.addons.clear();
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.done ==
        std::vector<std::string>{"addon 'extra': DaemonSet.apps kube-system/extra pruned",
                                 "addon 'extra': Foo.example.com kube-system/one pruned",
                                 "addon 'extra': ServiceAccount kube-system/extra pruned"});
  CHECK(outcome.unwell.empty());
  CHECK(cluster.objects.count({"DaemonSet.apps", "team", "my-extra"}) == 1);
  CHECK(cluster.objects.count(binding) == 1);
  static_cast<void>(cluster.turn(document));
  CHECK(cluster.record()->kinds.empty());
}

TEST_CASE("what an addon dropped is pruned, unless it is kept, shared or being deleted") {
  const std::string rest = "v1 ConfigMap a one\n";
  NodeDocument document = document_with(
      {{"one",
        rest +
            "v1 ConfigMap a two\nv1 ConfigMap a kept\nv1 ConfigMap a shared\nv1 ConfigMap a going",
        {}},
       {"other", "v1 ConfigMap a shared", {}}});
  FakeCluster cluster;
  cluster.settle(document);
  cluster.objects[{"ConfigMap", "a", "kept"}].annotations[prune_annotation] = "false";
  cluster.objects[{"ConfigMap", "a", "going"}].is_going = true;
  document.config.addons[0].manifest = rest;
  CHECK(cluster.turn(document).done ==
        std::vector<std::string>{"addon 'one' applied", "addon 'other' applied",
                                 "addon 'one': ConfigMap a/two pruned"});
  CHECK(cluster.turn(document).done.empty());
}

TEST_CASE("a Namespace stays without consent in the inventory, and is named") {
  const std::string consent = " annotation:muster.dev/prune=true";
  NodeDocument document = document_with(
      {{"extra",
        "v1 Namespace - kept\nv1 Namespace - going" + consent + "\nv1 ConfigMap kept c",
        {}}});
  FakeCluster cluster;
  cluster.settle(document);
  document.config.addons.clear();
  DutiesOutcome outcome = cluster.turn(document);
  CHECK(outcome.done == std::vector<std::string>{"addon 'extra': ConfigMap kept/c pruned",
                                                 "addon 'extra': Namespace going pruned"});
  CHECK(
      text_of(outcome.unwell) ==
      "Namespace kept: addon 'extra' of the inventory has it no more, and it stays with all that is in it, for want of the annotation muster.dev/prune: \"true\" in the addon's manifest; delete it with kubectl, or keep it with the annotation muster.dev/prune=false\n");
  // The consent must be Muster's own, of a manifest.
  const ObjectId kept{"Namespace", "", "kept"};
  cluster.objects[kept].annotations[prune_annotation] = "true";
  CHECK(cluster.turn(document).done.empty());
  CHECK(cluster.objects.count(kept) == 1);
  cluster.objects[kept].annotations[prune_annotation] = "false";
  CHECK(cluster.turn(document).unwell.empty());
  for (const char* kind : {"PersistentVolume", "PersistentVolumeClaim",
                           "CustomResourceDefinition.apiextensions.k8s.io"}) {
    FakeObject& object = cluster.objects[{kind, "", "data"}];
    cluster.versions[kind] =
        std::string(kind).find('.') == std::string::npos ? "v1" : "apiextensions.k8s.io/v1";
    object.label = "extra";
    object.applied = nlohmann::json::object();
  }
  AddonRecord record = *cluster.record();
  record.kinds = {"PersistentVolume", "PersistentVolumeClaim"};
  cluster.objects[record_id()].record =
      nlohmann::json::parse(record_object(record))["data"]["muster.addons"];
  outcome = cluster.turn(document);
  CHECK(outcome.done.empty());
  CHECK(outcome.unwell.size() == 3);
}

TEST_CASE("nothing is pruned while an addon cannot be applied") {
  NodeDocument document = document_with({{"one", "v1 ConfigMap a one", {}}});
  FakeCluster cluster;
  cluster.settle(document);
  document.config.addons = {{"two", "v1 ConfigMap a two", {}}};
  cluster.failures["label"] = "error: error parsing STDIN: yaml: line 2\n";
  const DutiesOutcome outcome = cluster.turn(document);
  CHECK(
      text_of(outcome.unwell) ==
      "addon 'two': addon 'two': kubectl label: expected exit status 0, found 1: error: error parsing STDIN: yaml: line 2\n");
  CHECK(cluster.objects.count({"ConfigMap", "a", "one"}) == 1);
  cluster.failures.clear();
  CHECK(cluster.turn(document).done ==
        std::vector<std::string>{"addon 'two' applied", "addon 'one': ConfigMap a/one pruned"});
}

TEST_CASE("a kind that the cluster does not know any more is no reason to stop looking") {
  const NodeDocument document =
      document_with({{"foo",
                      "apiextensions.k8s.io/v1 CustomResourceDefinition - foos.example.com\n"
                      "example.com/v1 Foo a one",
                      {}}});
  FakeCluster cluster;
  cluster.settle(document);
  cluster.unknown = {"Foo.example.com"};
  CHECK(cluster.turn(document).done ==
        std::vector<std::string>{"addon 'foo': Foo.example.com a/one is gone, put back"});
  CHECK(cluster.turn(document).failed.empty());
}

TEST_CASE("what was applied before the label existed is adopted, or named until somebody decides") {
  const NodeDocument document = with_dns();
  FakeCluster cluster;
  cluster.settle(document);
  // As an earlier Muster left it: no labels, no record, and an addon that was dropped then.
  cluster.objects.erase(record_id());
  for (auto& [id, object] : cluster.objects) object.label.clear();
  const ObjectId old{"ConfigMap", "kube-system", "old"}, kept{"ConfigMap", "kube-system", "kept"};
  cluster.objects[old].applied = cluster.objects[kept].applied = nlohmann::json::object();
  cluster.objects[{"ConfigMap", "team", "own"}] = {};  // somebody else's
  DutiesOutcome outcome = cluster.turn(document);
  CHECK(cluster.objects[coredns].label == "coredns");
  const std::string why =
      ": applied before Muster labelled what it applies, and no addon of the inventory has it: delete it with kubectl, have it pruned by the label muster.dev/addon=old, or keep it with the annotation muster.dev/prune=false\n";
  CHECK(text_of(outcome.unwell) ==
        "ConfigMap kube-system/kept" + why + "ConfigMap kube-system/old" + why);
  CHECK(text_of(cluster.turn(document).unwell) == text_of(outcome.unwell));
  CHECK(cluster.commands.size() == 3);
  cluster.objects[kept].annotations[prune_annotation] = "false";
  cluster.objects[old].label = "old";
  outcome = cluster.turn(document);
  CHECK(outcome.done == std::vector<std::string>{"addon 'old': ConfigMap kube-system/old pruned"});
  CHECK(outcome.unwell.empty());
  static_cast<void>(cluster.turn(document));
  CHECK(cluster.commands.size() == 2);
  CHECK(cluster.objects.count(kept) == 1);
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
