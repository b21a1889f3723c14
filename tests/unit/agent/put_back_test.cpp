// What fell out of effect, through whole polls: put back, told, and tried again with a pause.
#include "agent/effects/effects.hpp"
#include "document/ipv4.hpp"
#include "document/time_text.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

const std::string ip_forward = "/proc/sys/net/ipv4/ip_forward";
const std::string monitor = "muster-kubelet-monitor.service";

struct PutBackFixture : ReconcileFixture {
  PutBackFixture() {
    REQUIRE(converge().verdict == Verdict::converged);
    calls();
    poll();
    REQUIRE(calls().empty());
  }
  void poll() {
    machine.clock.sleep(std::chrono::seconds(60));
    narrated.clear();
    REQUIRE(converge().verdict == Verdict::converged);
  }
  std::vector<std::string> calls() { return std::exchange(machine.services.calls, {}); }
  bool is_told(const std::string& text) const {
    return std::any_of(narrated.begin(), narrated.end(),
                       [&](const auto& line) { return line.find(text) != std::string::npos; });
  }
};

}  // namespace

TEST_CASE_FIXTURE(PutBackFixture, "a sysctl that somebody changed is set again, once") {
  machine.files.put(ip_forward, "0\n");
  poll();
  CHECK(machine.files.text(ip_forward) == "1\n");
  CHECK(calls() == std::vector<std::string>{"restart muster-kernel.service"});
  CHECK(is_told("put back: muster-kernel.service: sysctl net.ipv4.ip_forward: 0, expected 1"));
  poll();
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(PutBackFixture,
                  "what a restart does not put back is told, and tried again later") {
  machine.files.put(ip_forward, "0\n");
  machine.unsettable = {"net/ipv4/ip_forward"};
  int restarts = 0;
  for (int polls = 0; polls < 60; ++polls) {
    poll();
    restarts += static_cast<int>(calls().size());
    if (polls == 0) {
      CHECK(is_told(
          "unwell: muster-kernel.service: sysctl net.ipv4.ip_forward: 0, expected 1; a restart of muster-kernel.service did not put it back"));
    }
  }
  CHECK(restarts > 3);
  CHECK(restarts < 12);
  CHECK(must(load_checkpoint(machine.files)).refused.has_value() == false);
  machine.unsettable.clear();
  for (int polls = 0; polls < 31; ++polls) poll();
  CHECK(machine.files.text(ip_forward) == "1\n");
  calls();
  poll();
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(PutBackFixture, "the route to the machine's own pods is put back in one poll") {
  const std::string& network = document.role.pod_cidr;
  const std::string address = nth_address(*parse_cidr(network), 1);
  machine.set_up_bridge(network, address);
  poll();
  CHECK(calls().empty());
  auto& bridge = machine.routes.kernel["cni0"];
  bridge.connected.clear();
  poll();
  CHECK(calls() == std::vector<std::string>{"restart muster-routes.service"});
  CHECK(bridge.connected == std::map<std::string, std::string>{{network, address}});
  CHECK(is_told("put back: muster-routes.service: route " + network + " dev cni0: missing"));
  CHECK_FALSE(is_told("unwell: "));
  poll();
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(PutBackFixture, "a monitor that was stopped is told and started again") {
  machine.services.active.erase(monitor);
  poll();
  CHECK(calls() == std::vector<std::string>{"restart " + monitor});
  CHECK(is_told("unwell: unit " + monitor + ": stopped; it is started again"));
  poll();
  CHECK(calls().empty());
  CHECK(is_told(" s: unit " + monitor));
}

TEST_CASE_FIXTURE(
    PutBackFixture,
    "a monitor that is started for the first time is no finding, and later it is one") {
  memory = Memory();
  for (const auto& watcher : watchers()) machine.services.active.erase(watcher.unit);
  poll();
  CHECK(calls().size() == watchers().size());
  CHECK_FALSE(is_told("unwell: "));
  CHECK(is_told("put back: " + monitor + ": stopped"));
  machine.services.active.erase(monitor);
  poll();
  CHECK(is_told("unwell: unit " + monitor + ": stopped; it is started again"));
}

TEST_CASE_FIXTURE(PutBackFixture, "one that ends right after its first start is told") {
  memory = Memory();
  machine.services.active.erase(monitor);
  poll();
  CHECK_FALSE(is_told("unwell: "));
  machine.services.active.erase(monitor);
  poll();
  CHECK(is_told("unwell: unit " + monitor + ": stopped; it is started again"));
}

TEST_CASE_FIXTURE(PutBackFixture,
                  "a unit that restarted again and again is told with since when it runs") {
  machine.services.pids["kubelet.service"] = 77;
  machine.services.restarts["kubelet.service"] = 3;
  const auto started =
      (machine.clock.since_boot() + std::chrono::seconds(30)) / std::chrono::milliseconds(10);
  machine.files.put(
      "/proc/77/stat",
      fmt::format("77 (kubelet) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 {} 313\n", started));
  const auto since = std::chrono::system_clock::to_time_t(machine.clock.now()) + 30;
  poll();
  CHECK(is_told(fmt::format(
      "unwell: unit kubelet.service: restarted 3 times within 5 minutes, runs since {}; journalctl -u kubelet.service -b",
      short_utc_text(since, since))));
}

TEST_CASE_FIXTURE(PutBackFixture, "a monitor that cannot start costs nobody the verdict") {
  machine.services.active.erase(monitor);
  machine.services.broken.insert(monitor);
  poll();
  CHECK(is_told("unwell: " + monitor + ": "));
  CHECK(must(load_checkpoint(machine.files)).refused.has_value() == false);
}

TEST_CASE_FIXTURE(PutBackFixture,
                  "monitors are on their way in a boot, and nobody waits for them") {
  reboot("boot-2");
  machine.services.active.erase(monitor);
  REQUIRE(converge().verdict == Verdict::converged);
  for (const auto& call : calls()) CHECK(call.find(monitor) == std::string::npos);
  poll();
  CHECK(calls() == std::vector<std::string>{"restart " + monitor});
}

TEST_CASE_FIXTURE(PutBackFixture, "a key that became readable for everybody is put right") {
  const std::string key = "/etc/kubernetes/pki/kubelet-client/tls.key";
  const std::string before = machine.files.text(key);
  REQUIRE(machine.files.finish(key, 0644, "root"));
  poll();
  CHECK(machine.files.status(key)->mode == 0600);
  CHECK(machine.files.text(key) == before);
  CHECK(is_told("put back: " + key + ": mode 0644, expected 0600"));
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(PutBackFixture, "a kubeconfig that became readable for everybody is put right") {
  const std::string path = "/etc/kubernetes/kubelet.kubeconfig";
  REQUIRE(machine.files.finish(path, 0644, "root"));
  poll();
  CHECK(machine.files.status(path)->mode == 0600);
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(PutBackFixture,
                  "an edited unit file is put right, and nothing that runs is restarted") {
  const std::string path = "/usr/lib/systemd/system/kubelet.service";
  machine.files.put(path, "[Service]\nExecStart=/bin/true\n");
  machine.services.fragments["kubelet.service"] = path;
  poll();
  CHECK(machine.files.text(path).find(
            "ExecStart=/opt/muster/current/kubernetes-node/bin/kubelet") != std::string::npos);
  CHECK(calls() == std::vector<std::string>{"daemon-reload"});
  poll();
  CHECK(calls().empty());
  CHECK(machine.files.has(path));
}

TEST_CASE_FIXTURE(PutBackFixture, "a release's link that leads elsewhere leads back") {
  const std::string link = "/opt/muster/current/runc";
  const std::string target = machine.files.status(link)->link_target;
  REQUIRE(machine.files.link(link, "/root/mine"));
  poll();
  CHECK(machine.files.status(link)->link_target == target);
  CHECK(calls().empty());
}

TEST_CASE_FIXTURE(PutBackFixture, "swap that is on again is told with its cure") {
  machine.files.put("/proc/swaps", "Filename Type Size\n/dev/sda2 partition 1\n");
  poll();
  CHECK(is_told("swap: expected none, found some in /proc/swaps; run swapoff -a"));
}

TEST_CASE_FIXTURE(PutBackFixture, "in an ordered converge too it costs nobody the verdict") {
  machine.files.put(ip_forward, "0\n");
  machine.unsettable = {"net/ipv4/ip_forward"};
  narrated.clear();
  REQUIRE(converge(true).verdict == Verdict::converged);
  CHECK(calls() == std::vector<std::string>{"restart muster-kernel.service"});
  CHECK(is_told("unwell: muster-kernel.service: sysctl net.ipv4.ip_forward: 0, expected 1"));
}

TEST_CASE_FIXTURE(PutBackFixture, "a unit that systemd skips is told with what skips it") {
  const std::string unit = "kube-proxy.service";
  const std::string drop_in = "/etc/systemd/system/kube-proxy.service.d/site.conf";
  machine.files.put(drop_in, "[Unit]\nConditionPathExists=/nope\n");
  machine.services.drop_ins[unit] = {drop_in};
  machine.services.skipped_by[unit] = "ConditionPathExists=/nope";
  machine.services.active.erase(unit);
  const std::string told =
      "unit 'kube-proxy.service': not started, since ConditionPathExists=/nope does not hold; take it out of " +
      drop_in + ", then run: systemctl daemon-reload";
  poll();
  CHECK(is_told(told));
  CHECK(is_told("unwell: drop-in " + drop_in +
                ": it decides ConditionPathExists of kube-proxy.service in Muster's place"));
  for (int polls = 0; polls < 3; ++polls) {
    poll();
    const auto& unwell = site.reports.back().unwell;
    CHECK(std::any_of(unwell.begin(), unwell.end(), [&](const auto& problem) {
      return problem.subject == unit && problem.message.find(told) != std::string::npos;
    }));
  }
  // In a boot it is the failure.
  reboot("boot-2");
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(outcome.message.find(told) != std::string::npos);
  machine.services.skipped_by.clear();
  CHECK(converge().verdict == Verdict::converged);
  CHECK(machine.services.active.count(unit) == 1);
}

TEST_CASE_FIXTURE(PutBackFixture, "a unit whose assertion does not hold is told with it") {
  const std::string unit = "kube-proxy.service";
  const std::string drop_in = "/etc/systemd/system/kube-proxy.service.d/site.conf";
  machine.files.put(drop_in, "[Unit]\nAssertPathExists=/nope\n");
  machine.services.drop_ins[unit] = {drop_in};
  machine.services.skipped_by[unit] = "AssertPathExists=/nope";
  reboot("boot-2");
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(
      outcome.message.find(
          "unit 'kube-proxy.service': not started, since AssertPathExists=/nope does not hold; take it out of " +
          drop_in + ", then run: systemctl daemon-reload") != std::string::npos);
  CHECK(outcome.message.find("job ended") == std::string::npos);
}
