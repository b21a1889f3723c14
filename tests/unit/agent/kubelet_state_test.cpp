#include "agent/kubelet_state.hpp"

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
  CHECK(stale_manager_states(files).empty());
  files.put(cpu_state, no_policy);
  files.put(memory_state, R"({"policyName":"None","checksum":1})");
  CHECK(stale_manager_states(files).empty());
  const std::string drop_in = "/etc/kubernetes/kubelet.conf.d/10-document.conf";
  for (const char* text :
       {"{\"cpuManagerPolicy\":\"static\"}", "a: 1\ncpuManagerPolicy: \"static\"\n"}) {
    files.put(drop_in, text);
    CHECK(stale_manager_states(files) == std::vector<std::string>{cpu_state});
  }
  files.put(drop_in, "memoryManagerPolicy: Static\n");
  CHECK(stale_manager_states(files) == std::vector<std::string>{memory_state});
  files.put(drop_in, "");
  files.put("/etc/muster/arguments/kubelet.env", "ARGS=--a=b --cpu-manager-policy=static --c=d\n");
  CHECK(stale_manager_states(files) == std::vector<std::string>{cpu_state});
  REQUIRE(files.remove("/etc/muster/arguments/kubelet.env"));
  for (const char* text : {"", "{", "[]"}) {
    files.put(cpu_state, text);
    CHECK(stale_manager_states(files) == std::vector<std::string>{cpu_state});
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
