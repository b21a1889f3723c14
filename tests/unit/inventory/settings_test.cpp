// What the machines and their components would refuse of settings: the cases of cases/, each from a
// public report, and the boundaries of each kind.
#include <nlohmann/json.hpp>

#include "inventory/component_options.hpp"
#include "inventory/go_values.hpp"
#include "inventory/url_credentials.hpp"
#include "sample_inventory.hpp"

using namespace muster;

using sample::of_arguments;
using sample::of_profile;

namespace {

std::string problems_of_case(const std::string& name) {
  const std::string folder = std::string(MUSTER_TESTS_DIR) + "/unit/inventory/cases/" + name;
  return sample::problems({{"inventory.yaml", sample::read_text(folder + "/inventory.yaml")}});
}

}  // namespace

TEST_CASE("cases from public reports that are refused") {
  const std::pair<const char*, const char*> cases[] = {
      {"01-taint-twice",
       R"(inventory.yaml:26:5: spec.taints[1]: expected each key and effect once, found 'app:PreferNoSchedule'; inventory.yaml:25:5 has them; the API server would refuse the Node
)"},
      {"18b-pool-taint-twice",
       R"(inventory.yaml:28:42: spec.taints[1]: expected each key and effect once, found 'a:NoSchedule'; inventory.yaml:28:12 has them; the API server would refuse the Node
)"},
      {"04-eviction",
       R"(inventory.yaml:24:7: spec.kubelet.evictionHard[memory.available]: expected a quantity above 0 such as 100Mi, or a percentage from 0% to 100%, found '0'; kubelet does not start with it; '0%' is for no eviction by this signal
)"},
      {"05-file-twice",
       R"(inventory.yaml:24:6: spec.files[1].path: expected a path that no file before it has, found '/etc/issue.d/a'; inventory.yaml:23:6 has it
)"},
      {"05c-file-of-muster",
       R"(inventory.yaml:23:6: spec.files[0].path: expected a path that Muster does not decide, found '/etc/containerd/config.toml'; Muster writes containerd's configuration
inventory.yaml:24:6: spec.files[1].path: expected a path that Muster does not decide, found '/etc/sysctl.d/90-muster.conf'; spec.kernel.sysctl decides it
inventory.yaml:25:6: spec.files[2].path: expected a path that Muster does not decide, found '/etc/hostname'; the Node's metadata.name decides it
inventory.yaml:26:6: spec.files[3].path: expected a path that Muster does not decide, found '/etc/containerd/certs.d/docker.io/hosts.toml'; spec.containerd.registryMirrors decides it
)"},
      {"18d-proxy-file",
       R"(inventory.yaml:23:6: spec.files[0].path: expected a path that Muster does not decide, found '/etc/systemd/system/containerd.service.d/http-proxy.conf'; the unit is Muster's: registries are reached over spec.containerd.registryMirrors; environment for every unit, such as a proxy, is DefaultEnvironment= in /etc/systemd/system.conf.d, from the next boot on
)"},
      {"06-sysctl-overcommit",
       R"(inventory.yaml:24:7: spec.kernel.sysctl[vm.overcommit_memory]: expected '1', found '2'; kubelet does not start with another (protectKernelDefaults); leave it out, Muster sets it
inventory.yaml:25:7: spec.kernel.sysctl[kernel.panic]: expected '10', found '0'; kubelet does not start with another (protectKernelDefaults); leave it out, Muster sets it
)"},
      {"07-flag-gone",
       R"(inventory.yaml:8:34: spec.componentArguments[kubelet][pod-infra-container-image]: expected a flag of kubelet 1.36, found 'pod-infra-container-image'; spec.containerd.sandboxImage decides it
)"},
      {"08-reserved-number",
       R"(inventory.yaml:24:24: spec.kubelet.extraConfiguration.systemReserved[cpu]: expected text, found '1'; write it in quotes: '1'
)"},
      {"08b-extra-owned",
       R"(inventory.yaml:24:7: spec.kubelet.extraConfiguration.cgroupDriver: expected a field that is the operator's, found 'cgroupDriver'; containerd and kubelet have the driver of the machine's cgroup version
inventory.yaml:25:7: spec.kubelet.extraConfiguration.clusterDNS: expected a field that is the operator's, found 'clusterDNS'; spec.serviceCidr and spec.coredns decide it
inventory.yaml:26:36: spec.kubelet.extraConfiguration.authentication.anonymous.enabled: expected a field that is the operator's, found 'enabled'; every caller shows a certificate or a token, and kube-apiserver decides what it may
inventory.yaml:27:7: spec.kubelet.extraConfiguration.readOnlyPort: expected a field that is the operator's, found 'readOnlyPort'; it answers without asking who calls; kube-apiserver reaches port 10250
inventory.yaml:28:7: spec.kubelet.extraConfiguration.containerRuntimeEndpoint: expected a field that is the operator's, found 'containerRuntimeEndpoint'; kubelet runs with Muster's containerd
inventory.yaml:29:7: spec.kubelet.extraConfiguration.tlsCertFile: expected a field that is the operator's, found 'tlsCertFile'; Muster issues and renews what it names
inventory.yaml:30:7: spec.kubelet.extraConfiguration.rotateCertificates: expected a field that is the operator's, found 'rotateCertificates'; Muster issues and renews what it names
inventory.yaml:31:7: spec.kubelet.extraConfiguration.kind: expected a field that is the operator's, found 'kind'; extraConfiguration is a KubeletConfiguration already
inventory.yaml:32:7: spec.kubelet.extraConfiguration.apiVersion: expected a field that is the operator's, found 'apiVersion'; extraConfiguration is a KubeletConfiguration already
)"},
      {"12-mirror-path",
       R"(inventory.yaml:25:17: spec.containerd.registryMirrors[quay.io][0]: expected no path, or that of the registry's API with its v2, found 'https://harbor.example:8443/quay/'; write 'https://harbor.example:8443/quay/v2' where an API of its own begins below it, 'https://harbor.example:8443/v2/quay' where it is a project
)"},
      {"12b-mirror-userinfo",
       R"(inventory.yaml:24:19: spec.containerd.registryMirrors[docker.io][0]: expected a URL without a user and a password, found 'https://...@mirror.example'; spec.containerd.registryCredentials takes them: HOST: {secretRef: NAME}
)"},
      {"17c-flag-values",
       R"(inventory.yaml:8:31: spec.componentArguments[etcd][quota-backend-bytes]: expected a whole number, found '8GiB'; etcd 3.6 does not start with it
inventory.yaml:8:76: spec.componentArguments[kube-apiserver][event-ttl]: expected a duration such as 30s, 5m or 1h30m (24h for a day), found '1d'; kube-apiserver 1.36 does not start with it
)"},
  };
  for (const auto& entry : cases) {
    const std::string name = entry.first;  // clang captures no structured binding
    CAPTURE(name);
    CHECK(problems_of_case(name) == entry.second);
  }
}

TEST_CASE("cases from public reports that are sound") {
  CHECK(problems_of_case("04e-eviction-decimal") == "");
  CHECK(problems_of_case("07c-noderestriction") == "");  // it stays: machine/kube_apiserver
  CHECK(problems_of_case("18f-empty-flag") == "");
}

TEST_CASE("thresholds as kubelet takes them") {
  const auto accepts = [](const std::string& threshold) {
    return of_profile("kubelet: {evictionHard: {memory.available: '" + threshold + "'}}").empty();
  };
  for (const char* sound :
       {"1",   "100Mi", "1.5Gi", ".5Gi", "1.Gi", "+1",     "1e9",  "1E9", "1e+3",
        "1E",  "100m",  "5n",    "5u",   "1k",   "2M",     "2G",   "2T",  "2P",
        "1Pi", "1Ei",   "0%",    "7.5%", "100%", "99.99%", "1e1%", "0.0%"})
    CHECK_MESSAGE(accepts(sound), sound);
  for (const char* refused :
       {"0",    "0.0", "0Mi", "-1",    "-1%", "100.1%", "101%", "1e3%", "1K",   "1mi",
        "1 Gi", "Gi",  "%",   "1.2.3", "1e",  "abc",    "",     ".",    "1GiB", "1KI"})
    CHECK_MESSAGE(!accepts(refused), refused);
}

TEST_CASE("soft thresholds need a time") {
  const auto soft = [](const std::string& rest) {
    return of_profile("kubelet: {extraConfiguration: {evictionSoft: {memory.available: 200Mi}" +
                      rest + "}}");
  };
  CHECK(soft(", evictionSoftGracePeriod: {memory.available: 1m30s}") == "");
  CHECK(soft("").find("expected its time in evictionSoftGracePeriod, found none") !=
        std::string::npos);
  CHECK(soft(", evictionSoftGracePeriod: {memory.available: 1d}")
            .find("expected a duration such as 30s, 5m or 1h30m (24h for a day), found '1d'") !=
        std::string::npos);
}

TEST_CASE("texts as Go's parsers take them") {
  for (const char* text : {"0", "1s", "1.5h", "1h30m", "-1s", "100ms", ".5s", "1us", "+2m"})
    CHECK_MESSAGE(is_go_duration(text), text);
  for (const char* text : {"", "1", "1d", "s", "1 s", "1h30", "1.s.s", "-"})
    CHECK_MESSAGE(!is_go_duration(text), text);
  for (const char* text : {"0", "-5", "0x10", "0b1", "0o7", "010", "1_000", "9223372036854775807"})
    CHECK_MESSAGE(is_go_integer(text, true), text);
  for (const char* text :
       {"", "8GiB", "1.0", "1e3", "9223372036854775808", "true", "0x", "-", " 1"})
    CHECK_MESSAGE(!is_go_integer(text, true), text);
  CHECK(is_go_integer("18446744073709551615", false));
  CHECK(!is_go_integer("-1", false));
  for (const char* text : {"30000", "30000-32767", "1+5", "1-1", "65535"})
    CHECK_MESSAGE(is_port_range(text), text);
  for (const char* text : {"", "a", "3-2", "1-", "65536", "65535+1", "1-2-3"})
    CHECK_MESSAGE(!is_port_range(text), text);
}

TEST_CASE("flags by the version of their component") {
  const auto accepts = [](const std::string& arguments) { return of_arguments(arguments) == ""; };
  for (const char* sound :
       {"kube-apiserver: {service-node-port-range: 30000-32767, event-ttl: 2h, v: 4}",
        "etcd: {max-txn-ops: '256', quota-backend-bytes: '8589934592', snapshot-count: 5000}",
        "kube-apiserver: {audit-log-maxage: 30}", "kubelet: {system-reserved: 'cpu=100m'}",
        "kubelet: {cloud-provider: ''}", "kube-scheduler: {kube-api-qps: '1.5'}",
        "kube-controller-manager: {node-monitor-grace-period: 40s}",
        "kube-proxy: {feature-gates: 'A=true,B=false'}",
        "kubelet: {anonymous-auth: false, read-only-port: 0}", "containerd: {log-level: debug}",
        "kube-apiserver: {disable-admission-plugins: DefaultStorageClass}",
        "kube-controller-manager: {controllers: '*,bootstrapsigner'}",
        "kube-apiserver: {tls-min-version: VersionTLS13}"})
    CHECK_MESSAGE(accepts(sound), sound);
  for (const char* refused :
       {"kube-apiserver: {event-ttl: 1d}",
        "kube-apiserver: {event-ttl: ''}",
        "kube-apiserver: {service-node-port-range: 32767-30000}",
        "kube-apiserver: {profiling: yes}",
        "etcd: {max-txn-ops: '-1'}",
        "etcd: {quota-backend-bytes: 8GiB}",
        "etcd: {bogus: '1'}",
        "kubelet: {max-pods: 10}",
        "kube-proxy: {cleanup: true}",
        "kubelet: {anonymous-auth: true}",
        "kubelet: {read-only-port: 1}",
        "kubelet: {v: high}",
        "containerd: {bogus: '1'}",
        "kubelet: {system-reserved: cpu}",
        "kube-apiserver: {disable-admission-plugins: 'A,NodeRestriction'}",
        "kube-apiserver: {disable-admission-plugins: ServiceAccount}",
        "kube-apiserver: {admission-control: AlwaysAdmit}",
        "kube-apiserver: {oidc-issuer-url: 'https://idp.example'}",
        "kube-apiserver: {token-auth-file: /x}",
        "kube-apiserver: {tls-min-version: VersionTLS10}",
        "kube-controller-manager: {controllers: '*,certificatesigningrequest-signing-controller'}",
        "kube-apiserver: {audit-webhook-config-file: 'https://u:pw@x.example/'}"})
    CHECK_MESSAGE(!accepts(refused), refused);
  CHECK(
      of_arguments("etcd: {snapshot-cuont: 1}") ==
      "a.yaml:9:31: spec.componentArguments[etcd][snapshot-cuont]: expected a flag of etcd 3.6, found 'snapshot-cuont'; did you mean 'snapshot-count'?\n");
  CHECK(
      of_arguments("etcd: {nothing-like-it: 1}") ==
      "a.yaml:9:31: spec.componentArguments[etcd][nothing-like-it]: expected a flag of etcd 3.6, found 'nothing-like-it'; leave it out, or write the version that has it in spec.releases.etcd\n");
}

TEST_CASE("flags of a version that is not known are taken with a warning") {
  const auto inventory = sample::loaded(
      sample::small_cluster(
          "  componentArguments: {etcd: {new-one: 1}}\n  releases: {etcd: 3.99.0}\n") +
      sample::node("m1", "master", "10.77.0.11"));
  CHECK(
      to_text(inventory.warnings) ==
      "lab.yaml:9:31: spec.componentArguments[etcd]: expected a version of etcd whose flags are known, found '3.99'; its flags are not checked\n");
}

TEST_CASE("kube-proxy's flags of no effect are told") {
  const auto inventory = sample::loaded(
      sample::small_cluster("  componentArguments: {kube-proxy: {v: 2, proxy-mode: ipvs}}\n") +
      sample::node("m1", "master", "10.77.0.11"));
  CHECK(
      to_text(inventory.warnings) ==
      "lab.yaml:9:43: spec.componentArguments[kube-proxy][proxy-mode]: expected a flag that kube-proxy heeds, found 'proxy-mode'; beside its configuration file, which Muster writes, it heeds those of its log alone\n");
}

TEST_CASE("what was stored before goes on with warnings") {
  const std::string profile = R"(---
apiVersion: muster/v1
kind: Profile
metadata: {name: p}
spec:
  kernel: {sysctl: {vm.overcommit_memory: 2}}
  kubelet: {evictionHard: {memory.available: 0}}
  files: [{path: /etc/hosts, content: x}, {path: /etc/hosts, content: y}]
)";
  const std::string text =
      sample::small_cluster("  componentArguments: {etcd: {bogus: 1}}\n  profiles: [p]\n") +
      sample::node("m1", "master", "10.77.0.11") + profile;
  CHECK(!load({{"a.yaml", text}}));
  const auto stored = load({{"a.yaml", text}}, Rules::stored);
  REQUIRE(stored);
  CHECK(stored->warnings.size() == 5);
}

TEST_CASE("files: each path once, in folders, and none of Muster's") {
  const auto with = [](const std::string& first, const std::string& second) {
    return of_profile("files: [{path: " + first + ", content: x}, {path: " + second +
                      ", content: y}]");
  };
  CHECK(with("/etc/a", "/etc/b") == "");
  CHECK(with("/etc/a", "/etc/a.d/b") == "");
  CHECK(with("/lib/x", "/usr/lib/x")
            .find("expected a path that no file before it has, found '/usr/lib/x'") !=
        std::string::npos);
  CHECK(with("/var/run/x", "/run/x") != "");
  CHECK(with("/srv/a", "/srv/a/b").find("makes '/srv/a' a file") != std::string::npos);
  CHECK(with("/srv/a/b/c", "/srv/a") != "");
  CHECK(with("/etc/a", "/etc/systemd/system/ssh.service.d/a.conf") == "");
  CHECK(with("/etc/a", "/usr/lib/systemd/system/kubelet.service.d/a.conf") != "");
  CHECK(with("/etc/a", "/etc/containerd")
            .find("it stands in the way of /etc/containerd/config.toml") != std::string::npos);
  const std::string cni = "files: [{path: /etc/cni/net.d/05-x.conflist, content: x}]";
  CHECK(of_profile(cni) != "");
  CHECK(of_profile(cni, "  podNetwork: none\n") == "");
}

TEST_CASE("sysctls that must stay, however they are spelled") {
  const auto accepts = [](const std::string& line) {
    return of_profile("kernel: {sysctl: {" + line + "}}") == "";
  };
  for (const char* sound : {"vm.overcommit_memory: 1", "kernel.panic: 10", "net.ipv4.ip_forward: 1",
                            "vm.max_map_count: 262144", "net/ipv4/conf/eth0.7/rp_filter: 0",
                            "kernel.keys.root_maxkeys: 1000000", "net.ipv4.conf.all.rp_filter: 0"})
    CHECK_MESSAGE(accepts(sound), sound);
  for (const char* refused :
       {"vm.overcommit_memory: 2", "vm/overcommit_memory: 0", "vm.panic_on_oom: 1",
        "kernel.panic: 0", "kernel/panic: 20", "kernel.panic_on_oops: 0",
        "kernel.keys.root_maxkeys: 999999", "kernel/keys/root_maxbytes: 1",
        "net.ipv4.ip_forward: 0", "net/ipv4/ip_forward: 0", "net.ipv4.conf.all.forwarding: 0",
        "net.bridge.bridge-nf-call-iptables: 0", "vm.swappiness: 1, vm/swappiness: 2"})
    CHECK_MESSAGE(!accepts(refused), refused);
  const auto file = [](const std::string& path, const std::string& content) {
    return of_profile("files: [{path: " + path + ", content: \"" + content + "\"}]");
  };
  CHECK(file("/etc/sysctl.d/99-x.conf", "# vm.overcommit_memory=2\\nvm.swappiness=1\\n") == "");
  CHECK(file("/etc/sysctl.d/99-x.conf", "-vm/overcommit_memory = 2\\n") != "");
  CHECK(file("/etc/sysctl.conf", "kernel.panic=0") != "");
  CHECK(file("/srv/sysctl.conf", "kernel.panic=0") == "");
}

TEST_CASE("extraConfiguration: kubelet's types, its fields, and none of Muster's") {
  const auto accepts = [](const std::string& extra) {
    return of_profile("kubelet: {extraConfiguration: {" + extra + "}}") == "";
  };
  for (const char* sound :
       {"systemReserved: {cpu: '1', memory: 512Mi}", "systemReserved: {cpu: 100m, pid: '100'}",
        "cpuManagerPolicy: static, topologyManagerPolicy: nonsense", "podPidsLimit: 100",
        "featureGates: {AllAlpha: true}", "shutdownGracePeriod: 30s",
        "authentication: {webhook: {cacheTTL: 1m}}", "tlsMinVersion: VersionTLS13",
        "logging: {verbosity: 4, flushFrequency: 5s}", "allowedUnsafeSysctls: [net.core.somaxconn]",
        "reservedMemory: [{numaNode: 0, limits: {memory: 1Gi}}]", "readOnlyPort: 0",
        "protectKernelDefaults: true", "memorySwap: {swapBehavior: LimitedSwap}"})
    CHECK_MESSAGE(accepts(sound), sound);
  for (const char* refused : {"systemReserved: {cpu: 1}",
                              "kubeReserved: {memory: 512}",
                              "kubeReserved: {memory: 1GB}",
                              "systemReserved: {cpus: '1'}",
                              "systemReserved: {cpu: '-1'}",
                              "systemReserved: [cpu]",
                              "podPidsLimit: '100'",
                              "shutdownGracePeriod: 30",
                              "shutdownGracePeriod: 1d",
                              "featureGates: {A: 'true'}",
                              "allowedUnsafeSysctls: net.core.somaxconn",
                              "maxPods: 5",
                              "authentication: {x509: {clientCAFile: /x}}",
                              "authorization: {mode: AlwaysAllow}",
                              "failSwapOn: false",
                              "evictionHard: {memory.available: 1Gi}",
                              "cpuManagerPolicie: static",
                              "authentication: {webhok: {}}",
                              "logging: {verbosity: high}",
                              "seccompDefault: false",
                              "tlsMinVersion: VersionTLS11",
                              "staticPodURL: 'https://u:pw@x.example'"})
    CHECK_MESSAGE(!accepts(refused), refused);
  CHECK(
      of_profile("kubelet: {extraConfiguration: {cpuManagerPolice: static}}") ==
      "a.yaml:19:39: spec.kubelet.extraConfiguration.cpuManagerPolice: expected a field of KubeletConfiguration, found 'cpuManagerPolice'; did you mean 'cpuManagerPolicy'?\n");
}

TEST_CASE("mirrors with a path say it whole") {
  const auto accepts = [](const std::string& url) {
    return of_profile("containerd: {registryMirrors: {docker.io: ['" + url + "']}}") == "";
  };
  for (const char* sound :
       {"https://m.example", "https://m.example/", "http://10.0.0.5:5000", "https://m.example/v2",
        "https://m.example/v2/hub/", "https://m.example/repository/hub/v2"})
    CHECK_MESSAGE(accepts(sound), sound);
  for (const char* refused :
       {"https://m.example/hub", "https://m.example/v2x/hub", "https://m.example/?a=b",
        "https://u@m.example", "https://u:p@m.example"})
    CHECK_MESSAGE(!accepts(refused), refused);
}

TEST_CASE("a password in a URL is refused and never shown") {
  for (const auto& told :
       {of_profile(
            "containerd: {registryMirrors: {docker.io: ['https://puller:s3cret@m.example']}}"),
        of_profile("containerd: {registryMirrors: {docker.io: ['ftp://puller:s3cret@m.example']}}"),
        of_profile("containerd: {sandboxImage: 'https://puller:s3cret@m.example/x'}"),
        of_profile("files: [{path: /etc/x, content: 'http://puller:s3cret@m.example/'}]"),
        of_profile("kubelet: {maxPods: 'https://puller:s3cret@m.example'}"),
        of_profile(
            "kubelet: {extraConfiguration: {staticPodURL: 'https://puller:s3cret@m.example'}}"),
        of_profile("", "  artifacts: {mirrors: ['https://puller:s3cret@m.example']}\n"),
        of_arguments(
            "kube-apiserver: {audit-webhook-config-file: 'https://puller:s3cret@m.example'}")}) {
    CHECK_MESSAGE(told != "", told);
    CHECK_MESSAGE(told.find("s3cret") == std::string::npos, told);
  }
  CHECK(without_url_users("'https://u:p@h/x' and http://h:80/") ==
        "'https://...@h/x' and http://h:80/");
  CHECK(without_url_users("'https://u:p/w@h'") == "'https://...@h'");
  CHECK(without_url_users("'https://user:long...'") == "'https://......'");
  CHECK(holds_url_password("proxy = http://u:p@h:3128"));
  for (const char* text : {"http://h:80/a@b", "http://$(USER):$(PASS)@h", "http://user@h", "a:b@c"})
    CHECK_MESSAGE(!holds_url_password(text), text);
}

TEST_CASE("the table of options is there for each component") {
  for (const char* component : {"etcd", "kube-apiserver", "kube-controller-manager",
                                "kube-scheduler", "kube-proxy", "kubelet", "containerd"}) {
    CHECK_MESSAGE(flags_of(component, newest_known(component)) != nullptr, component);
  }
  CHECK(minor_version("1.36.3") == "1.36");
  CHECK(minor_version("3") == "3");
  REQUIRE(kubelet_fields("1.36") != nullptr);
  CHECK(kubelet_fields("1.36")->at("maxPods") == "int");
  CHECK(kubelet_fields("1.35") == nullptr);
}
