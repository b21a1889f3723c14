// A cluster as kubectl shows it: what is applied is there until somebody takes it away.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/duties/addon_record.hpp"
#include "agent/duties/duties.hpp"
#include "agent/duties/lease.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_host.hpp"

namespace muster {

struct FakeObject {
  std::string label;  // empty: none
  std::map<std::string, std::string> annotations;
  nlohmann::json applied;  // fields that Muster owns; null: it applied none
  nlohmann::json others = nlohmann::json::array();  // entries of other managers
  std::string record;
  bool is_going = false;
};

// Manifests are lines "API_VERSION KIND NAMESPACE NAME FIELD..."; a namespace "-" is none. FIELD is
// what of `spec` the manifest sets; "annotation:KEY=VALUE" is an annotation.
class FakeCluster {
 public:
  FakeHost machine;
  std::vector<std::string> commands;  // without program and kubeconfig
  std::vector<std::string> inputs;
  bool roles_are_bound = true;
  std::string lease;  // its line; empty: none
  std::vector<std::string> nodes;
  std::map<std::string, std::string> failures;  // first word of a command -> what kubectl says

  std::map<ObjectId, FakeObject> objects;
  std::map<std::string, std::string> versions;  // kind with its group -> apiVersion
  std::set<std::string> unknown;                // kinds whose CRD is not there

  std::vector<std::string> members;  // of etcd, by name
  bool etcd_answers = true;

  FakeCluster() {
    machine.process.answer = [this](const ProcessRequest& request) { return answer(request); };
  }

  Result<std::vector<std::string>> leave(const std::vector<std::string>& machines) {
    if (!etcd_answers) return fail(ErrorKind::unavailable, "etcdctl member list: no answer");
    std::vector<std::string> left;
    for (const std::string& name : machines) {
      if (std::erase(members, name) > 0) left.push_back(name);
    }
    return left;
  }

  DutiesOutcome turn(const NodeDocument& document, const PeerList& peers = example_peers()) {
    commands.clear();
    inputs.clear();
    const auto outcome = perform_duties(
        document, peers, machine.host,
        [this](const std::vector<std::string>& machines) { return leave(machines); },
        std::chrono::seconds(60));
    REQUIRE(outcome.has_value());
    return *outcome;
  }

  void hold(const std::string& holder, std::chrono::seconds ago) {
    lease = fmt::format(
        R"(Lease	muster-duties	5			{{"holderIdentity":"{}","renewTime":"{}","leaseTransitions":2}})",
        holder, micro_time(machine.clock.now() - ago));
  }

  // The addons of `document` are in effect, and the Lease is this machine's.
  void settle(const NodeDocument& document) {
    const auto was = std::exchange(nodes, {});
    hold("m1", std::chrono::seconds(10));
    REQUIRE(turn(document).addons_ready);
    nodes = was;
  }

  [[nodiscard]] std::optional<AddonRecord> record() const {
    const auto found = objects.find(record_id());
    return found == objects.end() ? std::nullopt : parse_record(found->second.record);
  }

 private:
  Result<ProcessOutcome> answer(const ProcessRequest& request) {
    REQUIRE(request.arguments.size() > 3);
    CHECK(request.arguments[0] == "/opt/muster/current/kubernetes-node/bin/kubectl");
    const bool is_bootstrap = request.arguments[2] == "/etc/kubernetes/bootstrap-admin.kubeconfig";
    const std::vector<std::string> words(request.arguments.begin() + 3, request.arguments.end());
    std::string command = is_bootstrap ? "bootstrap:" : "";
    for (const std::string& word : words) {
      if (&word != &words.front()) command += " ";
      const bool is_template = word.find("jsonpath=") != std::string::npos ||
                               word.find("go-template=") != std::string::npos;
      const bool is_kinds = word == fmt::format("{}", fmt::join(common_kinds(), ","));
      command += is_template ? "LINES" : is_kinds ? "KINDS" : word;
    }
    commands.push_back(command);
    inputs.push_back(request.input);
    const auto failure = failures.find(words[0]);
    if (failure != failures.end()) return ProcessOutcome{1, "", failure->second};
    if (words[0] == "label") return said(labelled(request.input, words.back()));
    if (!roles_are_bound && !is_bootstrap) {
      return ProcessOutcome{1, "", "Error from server (Forbidden): leases is forbidden\n"};
    }
    if (is_bootstrap) roles_are_bound = true;
    if (words[0] == "apply") return said(apply(request.input));
    if (words[0] == "delete" && words.back() == "--filename=-") remove(request.input);
    if (words[0] == "get") return get(words, request.input);
    return ProcessOutcome{};
  }

  static ProcessOutcome said(std::string output) { return {0, std::move(output), ""}; }

  static std::string labelled(const std::string& manifest, const std::string& label) {
    const std::string name = label.substr(label.find('=') + 1);
    if (manifest.find("muster:duties") != std::string::npos) {
      return name + " rbac.authorization.k8s.io/v1 ClusterRoleBinding - muster:duties roleRef\n";
    }
    std::string lines;
    std::istringstream in(manifest);
    for (std::string line; std::getline(in, line);) lines += name + " " + line + "\n";
    return lines;
  }

  std::string apply(const std::string& input) {
    if (input.front() == '{') {
      const auto json = nlohmann::json::parse(input);
      FakeObject& object = objects[record_id()];
      object.label = json["metadata"]["labels"]["muster.dev/addon"];
      object.record = json["data"]["muster.addons"];
      versions["ConfigMap"] = "v1";
      return {};
    }
    std::string lines;
    std::istringstream in(input);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string label, version, kind, space, name;
      words >> label >> version >> kind >> space >> name;
      const std::size_t slash = version.find('/');
      if (slash != std::string::npos) kind += "." + version.substr(0, slash);
      const ObjectId id{kind, space == "-" ? "" : space, name};
      FakeObject& object = objects[id];
      object.label = label;
      object.applied = {
          {"f:metadata", {{"f:labels", {{"f:muster.dev/addon", nlohmann::json::object()}}}}}};
      object.others = nlohmann::json::array();
      versions[kind] = version;
      for (std::string field; words >> field;) set(object, field);
      lines += line_of(id, object);
    }
    return "v1\tList\t\t\t\t\t\t\t\n" + lines;
  }

  static void set(FakeObject& object, const std::string& field) {
    constexpr std::string_view annotation = "annotation:";
    if (field.rfind(annotation, 0) != 0) {
      object.applied["f:spec"]["f:" + field] = nlohmann::json::object();
      return;
    }
    const std::size_t equals = field.find('=');
    const std::string key = field.substr(annotation.size(), equals - annotation.size());
    object.annotations[key] = field.substr(equals + 1);
    object.applied["f:metadata"]["f:annotations"]["f:" + key] = nlohmann::json::object();
  }

  std::string line_of(const ObjectId& id, const FakeObject& object) const {
    auto managers = object.others;
    if (!object.applied.is_null()) {
      managers.push_back(
          {{"manager", "muster"}, {"operation", "Apply"}, {"fieldsV1", object.applied}});
    }
    const auto labels = object.label.empty() ? nlohmann::json::object()
                                             : nlohmann::json{{"muster.dev/addon", object.label}};
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", versions.at(id.kind),
                       id.kind.substr(0, id.kind.find('.')), id.space, id.name, labels.dump(),
                       nlohmann::json(object.annotations).dump(),
                       object.is_going ? "2026-11-21T10:00:00Z" : "", object.record,
                       managers.dump());
  }

  void remove(const std::string& names) {
    std::istringstream in(names);
    for (std::string line; std::getline(in, line);) objects.erase(id_of(line));
  }

  static ObjectId id_of(const std::string& line) {
    const auto json = nlohmann::json::parse(line);
    const std::string version = json["apiVersion"];
    std::string kind = json["kind"];
    const std::size_t slash = version.find('/');
    if (slash != std::string::npos) kind += "." + version.substr(0, slash);
    return {kind, json["metadata"].value("namespace", ""), json["metadata"]["name"]};
  }

  ProcessOutcome get(const std::vector<std::string>& words, const std::string& input) {
    std::string lines;
    if (words[1].rfind("leases", 0) == 0) {
      lines = lease.empty() ? "" : lease + "\n";
      for (const std::string& node : nodes) lines += node + "\n";
      return said(lines);
    }
    if (words[1] == "--ignore-not-found") {
      std::istringstream in(input);
      for (std::string line; std::getline(in, line);) {
        const auto found = objects.find(id_of(line));
        if (found != objects.end()) lines += line_of(found->first, found->second);
      }
      return said(lines);
    }
    for (const std::string& kind : unknown) {
      if (("," + words[1] + ",").find("," + kind + ",") == std::string::npos) continue;
      const std::string name = kind.substr(0, kind.find('.'));
      return {1, "", "error: the server doesn't have a resource type \"" + name + "\"\n"};
    }
    for (const auto& [id, object] : objects) {
      const bool is_asked = ("," + words[1] + ",").find("," + id.kind + ",") != std::string::npos;
      if (!is_asked) continue;
      if (words[3] == "--selector=muster.dev/addon") {
        if (!object.label.empty()) lines += line_of(id, object);
      } else if (object.label.empty() && !object.applied.is_null()) {
        lines += fmt::format("{}\t{}\t{}\t{}\n", versions.at(id.kind),
                             id.kind.substr(0, id.kind.find('.')), id.space, id.name);
      }
    }
    return said(lines);
  }
};

inline NodeDocument document_with(std::vector<AddonSpec> addons) {
  NodeDocument document = example_document();
  document.config.addons = std::move(addons);
  return document;
}

inline NodeDocument with_dns() {
  return document_with({{"coredns",
                         "v1 ConfigMap kube-system coredns Corefile\n"
                         "apps/v1 Deployment kube-system coredns image replicas",
                         {"deployment/kube-system/coredns"}}});
}

inline std::string text_of(const std::vector<HealthProblem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += problem.subject + ": " + problem.message + "\n";
  return text;
}

inline const ObjectId coredns{"Deployment.apps", "kube-system", "coredns"};
inline const ObjectId duties_binding{"ClusterRoleBinding.rbac.authorization.k8s.io", "",
                                     "muster:duties"};

}  // namespace muster
