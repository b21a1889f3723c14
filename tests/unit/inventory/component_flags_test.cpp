// componentArguments against the flags of the component's version: the table's, or the release's.
#include <nlohmann/json.hpp>

#include "inventory/component_options.hpp"
#include "inventory/field_types.hpp"
#include "sample_inventory.hpp"

using namespace muster;
using sample::of_arguments;
using sample::of_profile;

TEST_CASE("gates, choices and bounds as the component has them") {
  const auto told = [&](const std::string& arguments, const std::string& words) {
    const std::string problems = of_arguments(arguments);
    CHECK_MESSAGE(problems.find(words) != std::string::npos, problems);
  };
  for (const char* sound :
       {"kubelet: {feature-gates: 'AllAlpha=false,GracefulNodeShutdown=true'}",
        "kubelet: {feature-gates: ''}", "kube-apiserver: {feature-gates: 'kube:AllBeta=true'}",
        "kube-apiserver: {audit-log-mode: blocking-strict}", "kubelet: {hairpin-mode: none}",
        "kube-apiserver: {enable-admission-plugins: 'AlwaysPullImages,PodNodeSelector'}",
        "kube-controller-manager: {concurrent-job-syncs: 1}",
        "kubelet: {image-gc-high-threshold: 100}", "kubelet: {v: '08'}",
        "kube-proxy: {healthz-bind-address: x}"})
    CHECK_MESSAGE(of_arguments(sound) == "", sound);
  told(
      "kubelet: {feature-gates: 'GracefulNodeShutdwon=true'}",
      "expected a feature gate of this version, found 'GracefulNodeShutdwon'; did you mean 'GracefulNodeShutdown'?");
  told(
      "kubelet: {feature-gates: 'ThereIsNone=true'}",
      "expected a feature gate of this version, found 'ThereIsNone'; kubelet 1.36 does not start with it");
  told(
      "kube-apiserver: {audit-log-mode: sync}",
      "expected one of what it knows: batch, blocking, blocking-strict, found 'sync'; kube-apiserver 1.36 does not start with it");
  told("kube-apiserver: {enable-admission-plugins: 'PodSecurty'}",
       "found 'PodSecurty'; did you mean 'PodSecurity'?");
  told("kube-controller-manager: {concurrent-job-syncs: 0}",
       "expected a whole number from 1 to 2147483647, found '0'");
  told("kubelet: {cpu-cfs-quota-period: 0s}", "expected a duration above 0, found '0s'");
  told("kube-apiserver: {request-timeout: -1s}", "expected a duration of 0 or more, found '-1s'");
  told(
      "etcd: {election-timeout: 200}",
      "a.yaml:9:31: spec.componentArguments[etcd][election-timeout]: expected election-timeout of at least five times heartbeat-interval, and at most 50000, found 200 and 100; etcd does not start with it");
  told("etcd: {heartbeat-interval: 201}", "found 1000 and 201");
  told("etcd: {heartbeat-interval: 10000, election-timeout: 50001}", "found 50001 and 10000");
  CHECK(of_arguments("etcd: {heartbeat-interval: 10000, election-timeout: 50000}") == "");
  told("etcd: {discovery-token: x}", "expected a flag that is the operator's");
  told("etcd: {auto-compaction-retention: '1', corrupt-check-time: 9999999h}",
       "expected a duration");
  CHECK(of_profile("kubelet: {extraConfiguration: {featureGates: {AllAlpha: false}}}") == "");
  const std::string gates =
      of_profile("kubelet: {extraConfiguration: {featureGates: {GracefulNodeShutdwon: true}}}");
  CHECK_MESSAGE(
      gates.find(
          "spec.kubelet.extraConfiguration.featureGates[GracefulNodeShutdwon]: expected a feature gate of this version, found 'GracefulNodeShutdwon'; did you mean 'GracefulNodeShutdown'?") !=
          std::string::npos,
      gates);
}

TEST_CASE("flags that end a program alone, and suites without those of HTTP/2") {
  for (
      const char* sound :
      {"etcd: {client-cert-file: /c, client-key-file: /k}", "etcd: {client-cert-file: ''}",
       "kubelet: {exit-on-lock-contention: 'TRUE', lock-file: /run/l}",
       "kubelet: {exit-on-lock-contention: false}", "kube-scheduler: {tls-cipher-suites: ''}",
       "kube-scheduler: {tls-cipher-suites: 'TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'}",
       "kube-scheduler: {tls-cipher-suites: TLS_AES_128_GCM_SHA256, tls-min-version: VersionTLS13}"})
    CHECK_MESSAGE(of_arguments(sound) == "", sound);
  CHECK(
      of_arguments("etcd: {peer-client-key-file: /k}") ==
      "a.yaml:9:31: spec.componentArguments[etcd][peer-client-key-file]: expected peer-client-cert-file beside it, found none; etcd does not start with one of them alone\n");
  CHECK(of_arguments("kubelet: {exit-on-lock-contention: true}")
            .find("expected lock-file beside it") != std::string::npos);
  CHECK(
      of_arguments("kube-controller-manager: {tls-cipher-suites: TLS_AES_128_GCM_SHA256}")
          .find(
              "expected TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 among them, which HTTP/2 demands, found 'TLS_AES_128_GCM_SHA256'; kube-controller-manager does not start with it") !=
      std::string::npos);
}

TEST_CASE("levels of a log are read in any case where the program reads them so") {
  for (const char* sound :
       {"etcd: {log-level: Warn}", "containerd: {log-level: WARNING}", "etcd: {log-format: ''}"})
    CHECK_MESSAGE(of_arguments(sound) == "", sound);
  CHECK(of_arguments("etcd: {log-level: LOUD}").find("found 'loud'") != std::string::npos);
}

TEST_CASE("a gate that is settled has one value") {
  const FlagType gates{"gates", {}, {}, {"Free", "Settled=true"}};
  CHECK(!mismatch_of("Free=false,Settled=true", gates));
  const auto other = mismatch_of("Settled=false", gates);
  REQUIRE(other);
  CHECK(other->expected == "Settled=true, which is settled in this version");
  CHECK(other->found == "Settled=false");
  CHECK(other->cure == "leave it out");
}

TEST_CASE("the release's own flags count, of that very version") {
  const auto flags = parse_release_flags(
      R"({"apiVersion":"muster/v1","kind":"ReleaseFlags","programs":{"etcd":{"new-one":"int"}},"later":1})");
  REQUIRE_MESSAGE(flags, flags.error().message);
  const auto shared = std::make_shared<const ProgramFlags>(*flags);
  const ReleaseFlags releases{{{"etcd", "3.99.0"}, shared}};
  const auto of = [&](const std::string& flag, const std::string& version) {
    const auto inventory =
        load({{"a.yaml", sample::small_cluster("  componentArguments: {etcd: {" + flag +
                                               "}}\n  releases: {etcd: " + version + "}\n") +
                             sample::node("m1", "master", "10.77.0.11")}},
             Rules::today, releases);
    return inventory ? to_text(inventory->warnings) : to_text(inventory.error());
  };
  CHECK(of("new-one: 1", "3.99.0") == "");
  CHECK(
      of("snapshot-count: 1", "3.99.0") ==
      "a.yaml:9:31: spec.componentArguments[etcd][snapshot-count]: expected a flag of etcd 3.99.0, found 'snapshot-count'; etcd does not start with it; leave it out\n");
  CHECK(of("new-one: 1", "3.99.1").find("expected a version of etcd whose flags are known") !=
        std::string::npos);
  CHECK(of("snapshot-count: 1", "3.6.1") == "");
  // Where the catalogue decides it, the newest that is there.
  CHECK(known_flags(releases, "etcd", "").version == "3.99.0");
  CHECK(known_flags({}, "etcd", "").version == "3.6");
  for (const char* text :
       {"", "{}", "[]", R"({"apiVersion":"muster/v1","kind":"ReleaseFlags"})",
        R"({"apiVersion":"muster/v1","kind":"Release","programs":{}})",
        R"({"apiVersion":"muster/v1","kind":"ReleaseFlags","programs":{"a":{"b":{"from":"x"}}}})"})
    CHECK_MESSAGE(!parse_release_flags(text), text);
}
