#include "agent/monitor/monitor.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "agent/monitor/probe.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 64) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("a verdict is told at each probe, with its time") {
  FakeHost machine;
  machine.services.on_look = [] {};  // no other monitor
  machine.files.fail_at = 3;         // after the folder and two verdicts
  const auto done = run_monitor(*monitor_subjects("runtime"), machine.host);
  REQUIRE_FALSE(done);
  CHECK(
      done.error().message ==
      "writing '/run/muster-monitor/runtime.json': write /run/muster-monitor/runtime.json: injected failure");
  CHECK(
      machine.files.text("/run/muster-monitor/runtime.json") ==
      "{\"at\":35,\"healthy\":true,\"message\":\"\",\"restarts\":0,\"unit\":\"containerd.service\"}\n");
}

TEST_CASE("kubelet's monitor watches the other components of the machine, where they run") {
  const auto subjects = *monitor_subjects("kubelet");
  std::vector<std::string> units;
  for (const auto& subject : subjects) units.push_back(subject.unit);
  CHECK(units == std::vector<std::string>{
                     "kubelet.service", "kube-proxy.service", "kube-apiserver.service",
                     "kube-controller-manager.service", "kube-scheduler.service", "etcd.service"});
  FakeHost machine;
  machine.services.on_look = [] {};
  machine.files.fail_at = 2;  // after the folder and one verdict
  CHECK_FALSE(run_monitor(subjects, machine.host));
  CHECK(machine.files.has("/run/muster-monitor/kubelet.json"));
  CHECK_FALSE(machine.files.has("/run/muster-monitor/etcd.json"));
}

TEST_CASE("what hangs is restarted, three times; etcd is only told") {
  // Takes connections and says nothing.
  const SilentServer silent;
  for (const std::string name : {"kube-proxy", "etcd"}) {
    FakeHost machine;
    machine.services.on_look = [] {};
    const std::string unit = name + ".service";
    machine.services.active.insert(unit);
    machine.services.pids[unit] = 7;
    auto subjects = *monitor_subjects("kubelet");
    const auto found = std::find_if(subjects.begin(), subjects.end(),
                                    [&](const auto& one) { return one.name == name; });
    REQUIRE(found != subjects.end());
    MonitorSubject subject = *found;
    subject.probe_timeout = std::chrono::seconds(1);
    if (name == "kube-proxy") {
      machine.files.put(
          "/etc/kubernetes/kube-proxy.yaml",
          fmt::format("clusterCIDR: x\nhealthzBindAddress: \"127.0.0.1:{}\"\nmode: y\n",
                      silent.port()));
    } else {
      subject.url = fmt::format("http://127.0.0.1:{}/health", silent.port());
    }
    subject.failing_for = subject.grace_after_start = std::chrono::seconds(0);
    machine.files.fail_at = 2;  // after the folder and one verdict
    CHECK_FALSE(run_monitor({subject}, machine.host));
    const std::string finding = machine.files.text("/run/muster-monitor/" + name + ".json");
    CAPTURE(finding);
    CHECK(finding.find("no complete answer within 1000 ms") != std::string::npos);
    CHECK(finding.find("\"healthy\":false") != std::string::npos);
    if (name == "etcd") {
      CHECK(machine.services.calls.empty());
      CHECK(
          finding.find(
              "; nobody restarts it by itself: look at `journalctl -u etcd.service -b`, and in this master's turn run `systemctl restart etcd.service`") !=
          std::string::npos);
    } else {
      REQUIRE_FALSE(machine.services.calls.empty());
      CHECK(machine.services.calls[0] == "restart kube-proxy.service");
      CHECK(finding.find("; restart 1 of 3") != std::string::npos);
    }
  }
}

TEST_CASE("a component that refuses connections is systemd's matter") {
  FakeHost machine;
  MonitorSubject subject;
  subject.name = "etcd";
  subject.url = "http://127.0.0.1:1/health";
  CHECK(probe(subject, machine.host));
}

TEST_CASE("what is well again is told so at once, whoever gave it up") {
  auto silent = std::make_unique<SilentServer>();
  FakeHost machine;
  int looks = 0;
  machine.services.on_look = [&] {
    if (++looks == 2) silent.reset();  // then it refuses connections: no finding
  };
  machine.services.active.insert("etcd.service");
  machine.services.pids["etcd.service"] = 7;
  MonitorSubject subject = monitor_subjects("kubelet")->back();
  subject.probe_timeout = std::chrono::seconds(1);
  subject.url = fmt::format("http://127.0.0.1:{}/health", silent->port());
  subject.failing_for = subject.grace_after_start = std::chrono::seconds(0);
  machine.files.fail_at = 3;  // after the folder and two verdicts
  CHECK_FALSE(run_monitor({subject}, machine.host));
  const std::string finding = machine.files.text("/run/muster-monitor/etcd.json");
  CHECK_MESSAGE(finding.find("\"healthy\":true,\"message\":\"\"") != std::string::npos, finding);
}

TEST_CASE("the API server is asked where its arguments say that it listens") {
  const SilentServer silent;
  FakeHost machine;
  MonitorSubject subject;
  subject.name = "kube-apiserver";
  subject.url = "/livez";
  subject.probe_timeout = std::chrono::seconds(1);
  CHECK(probe(subject, machine.host));  // not started by us yet
  machine.files.put(
      "/etc/muster/arguments/kube-apiserver.env",
      fmt::format("ARGS=\"--bind-address=127.0.0.1 --secure-port={} --v=2\"\n", silent.port()));
  const auto probed = probe(subject, machine.host);
  REQUIRE_FALSE(probed);
  CHECK(probed.error().message.find(fmt::format("127.0.0.1:{}", silent.port())) !=
        std::string::npos);
}
