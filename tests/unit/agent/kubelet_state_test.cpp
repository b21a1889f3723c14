#include "agent/node/kubelet_state.hpp"

#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

const std::string cpu_state = "/var/lib/kubelet/cpu_manager_state";
const std::string memory_state = "/var/lib/kubelet/memory_manager_state";
const std::string no_policy = R"({"policyName":"none","defaultCpuSet":"","checksum":1353318690})";

}  // namespace

TEST_CASE("a state of another policy than the configured one is stale, and a damaged one") {
  FakeFilesystem files;
  files.put("/etc/kubernetes/kubelet.yaml", "apiVersion: kubelet.config.k8s.io/v1beta1\n");
  CHECK(stale_manager_states(files, {}).empty());
  files.put(cpu_state, no_policy);
  files.put(memory_state, R"({"policyName":"None","checksum":1})");
  CHECK(stale_manager_states(files, {}).empty());
  const std::string drop_in = "/etc/kubernetes/kubelet.conf.d/10-document.conf";
  for (const char* text :
       {"{\"cpuManagerPolicy\":\"static\"}", "a: 1\ncpuManagerPolicy: \"static\"\n"}) {
    files.put(drop_in, text);
    CHECK(stale_manager_states(files, {}) == std::vector<std::string>{cpu_state});
  }
  files.put(drop_in, "memoryManagerPolicy: Static\n");
  CHECK(stale_manager_states(files, {}) == std::vector<std::string>{memory_state});
  files.put(drop_in, "");
  files.put("/etc/muster/arguments/kubelet.env", "ARGS=--a=b --cpu-manager-policy=static --c=d\n");
  CHECK(stale_manager_states(files, {}) == std::vector<std::string>{cpu_state});
  REQUIRE(files.remove("/etc/muster/arguments/kubelet.env"));
  for (const char* text : {"", "{", "[]"}) {
    files.put(cpu_state, text);
    CHECK(stale_manager_states(files, {}) == std::vector<std::string>{cpu_state});
  }
}

TEST_CASE_FIXTURE(ReconcileFixture, "the state of another CPU policy goes with kubelet's restart") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.files.put(cpu_state, no_policy);
  document.config.kubelet.extra_configuration = R"({"cpuManagerPolicy":"static"})";
  ++document.generation;
  serve();
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(machine.files.has(cpu_state));
  machine.services.calls.clear();
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK_FALSE(machine.files.has(cpu_state));
  CHECK(machine.services.calls ==
        std::vector<std::string>{"stop kubelet.service", "restart kubelet.service"});
  // And the state of the wanted one stays.
  machine.files.put(cpu_state, R"({"policyName":"static","defaultCpuSet":"0-1","checksum":2})");
  document.config.kubelet.max_pods = 77;
  ++document.generation;
  serve();
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK(machine.files.has(cpu_state));
}

TEST_CASE("a state depends on what kubelet compares it with, and on nothing else") {
  FakeFilesystem files;
  const std::string yaml = "/etc/kubernetes/kubelet.yaml";
  const std::string text =
      "cpuManagerPolicy: static\nmemoryManagerPolicy: Static\nkubeReserved:\n  cpu: 70m\nmaxPods: 7\n";
  files.put(yaml, text);
  files.put("/proc/sys/kernel/random/boot_id", "boot-1\n");
  files.put("/proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 1 kB\n");
  files.put("/sys/devices/system/cpu/online", "0-1\n");
  files.put(cpu_state, R"({"policyName":"static"})");
  files.put(memory_state, R"({"policyName":"Static"})");
  const auto noted = manager_inputs(files);
  const std::vector<std::string> none, both{cpu_state, memory_state};
  CHECK(stale_manager_states(files, noted) == none);
  files.put("/proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 2 kB\n");
  files.put(yaml, text + "podPidsLimit: 5\n");
  CHECK(stale_manager_states(files, noted) == none);
  for (const char* cpus :
       {"cpuManagerPolicyOptions:\n  full-pcpus-only: \"true\"\n", "reservedSystemCPUs: \"0\"\n"}) {
    files.put(yaml, text + cpus);
    CHECK(stale_manager_states(files, noted) == std::vector<std::string>{cpu_state});
  }
  for (const char* memory : {"reservedMemory:\n- numaNode: 0\n  limits:\n    memory: 1Gi\n",
                             "evictionHard:\n  memory.available: 200Mi\n"}) {
    files.put(yaml, text + memory);
    CHECK(stale_manager_states(files, noted) == std::vector<std::string>{memory_state});
  }
  files.put(yaml, text + "systemReserved:\n  cpu: 1\n");
  CHECK(stale_manager_states(files, noted) == both);
  files.put(yaml, text);
  files.put("/etc/kubernetes/kubelet.conf.d/10-document.conf", R"({"kubeReserved":{"cpu":"1"}})");
  CHECK(stale_manager_states(files, noted) == both);
  REQUIRE(files.remove("/etc/kubernetes/kubelet.conf.d"));
  files.put("/etc/muster/arguments/kubelet.env", "ARGS=--kube-reserved=cpu=1 --v=2\n");
  CHECK(stale_manager_states(files, noted) == both);
  REQUIRE(files.remove("/etc/muster/arguments/kubelet.env"));
  for (const char* machine :
       {"/proc/sys/kernel/random/boot_id", "/sys/devices/system/cpu/online"}) {
    const std::string was = files.text(machine);
    files.put(machine, "0-3\n");
    CHECK(stale_manager_states(files, noted) == both);
    files.put(machine, was);
  }
  files.put("/proc/meminfo", "MemTotal: 4000004 kB\n");
  CHECK(stale_manager_states(files, noted) == both);
  // By an agent before they were noted; and a policy that looks at nothing.
  CHECK(stale_manager_states(files, {}) == none);
  files.put(yaml, "maxPods: 1\n");
  files.put(cpu_state, R"({"policyName":"none"})");
  files.put(memory_state, R"({"policyName":"None"})");
  CHECK(stale_manager_states(files, noted) == none);
}

TEST_CASE_FIXTURE(ReconcileFixture, "states go with other settings of one policy, and in a boot") {
  document.config.kubelet.extra_configuration = R"({"cpuManagerPolicy":"static"})";
  serve();
  REQUIRE(converge().verdict == Verdict::converged);
  const std::string state = R"({"policyName":"static","defaultCpuSet":"0-1","checksum":2})";
  machine.files.put(cpu_state, state);
  document.config.kubelet.extra_configuration =
      R"({"cpuManagerPolicy":"static","cpuManagerPolicyOptions":{"full-pcpus-only":"true"}})";
  ++document.generation;
  serve();
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(machine.files.has(cpu_state));
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK_FALSE(machine.files.has(cpu_state));
  machine.files.put(cpu_state, state);
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK(machine.files.has(cpu_state));
  reboot("boot-2");
  CHECK(converge().verdict == Verdict::converged);
  CHECK_FALSE(machine.files.has(cpu_state));
}
