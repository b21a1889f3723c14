// What no addon has any more is pruned, where that is safe; what cannot be told apart is named.
#include <doctest/doctest.h>

#include "unit/agent/duties/fake_cluster.hpp"

using namespace muster;

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
  CHECK(cluster.objects.count(duties_binding) == 1);
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
  const auto answer = cluster.machine.process.answer;
  cluster.machine.process.answer = [&](const ProcessRequest& request) -> Result<ProcessOutcome> {
    if (request.arguments.back().rfind("go-template=", 0) != 0) return answer(request);
    return fail(ErrorKind::timeout, "no answer");
  };
  DutiesOutcome outcome = cluster.turn(document);
  CHECK(text_of(outcome.unwell) == "objects without a label: kubectl get: no answer\n");
  cluster.machine.process.answer = answer;
  outcome = cluster.turn(document);
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
