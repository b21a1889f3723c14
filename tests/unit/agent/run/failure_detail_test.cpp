#include "agent/run/failure_detail.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "agent/run/exit_watch.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

struct FailureFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  Checkpoint checkpoint;
  Memory memory;
  Reporter reporter{machine.host, checkpoint, memory, [](std::string_view) {}};
  Run run{machine.host, network,  settings,
          checkpoint,   reporter, Deadline(machine.clock, boot_deadline),
          false,        false,    memory};
  DesiredState desired;
  std::vector<HealthProblem> unwell;

  FailureFixture() {
    settings.enrol_servers = {"https://10.0.0.254:8443"};
    settings.token = "t1.join-token-value";
    reporter.report().boot_id = "boot-1";
  }
  Failure explain(FailureClass kind, ErrorKind error, const std::string& message) {
    Failure failure{kind, {error, message}};
    add_details({&failure}, unwell, run, desired);
    return failure;
  }
};

constexpr const char* kubelet_failed =
    "start kubelet.service: unit 'kubelet.service': job ended 'failed'; journalctl -u kubelet.service -b";

}  // namespace

TEST_CASE_FIXTURE(FailureFixture, "a failed unit is told with its last lines and a cure") {
  machine.journal.lines["kubelet.service"] = {"\"Failed to load\" err=\"unknown field x\"",
                                              "Main process exited, status=1/FAILURE"};
  const auto failure = explain(FailureClass::kubelet, ErrorKind::io, kubelet_failed);
  CHECK(failure.kind == FailureClass::kubelet);
  CHECK(failure.detail.unit == "kubelet.service");
  CHECK(failure.detail.log == machine.journal.lines["kubelet.service"]);
  CHECK(
      failure.error.message ==
      "start kubelet.service: unit 'kubelet.service': job ended 'failed': \"Failed to load\" err=\"unknown field x\"; journalctl -u kubelet.service -b");
  CHECK(
      failure.detail.cure ==
      "correct what the lines of kubelet.service name: where it is a setting, in the inventory, then run `muster apply DIR`");
  CHECK(machine.journal.asked == std::vector<std::string>{"kubelet.service in boot-1"});
}

TEST_CASE_FIXTURE(FailureFixture,
                  "what is secret here leaves neither in a line nor in the message") {
  machine.files.put("/etc/kubernetes/registry.json", R"({"username":"u","password":"hub-pass-1"})");
  checkpoint.secrets["/etc/kubernetes/registry.json"] = 1;
  desired.files.push_back({"/etc/x.conf", "key: key-of-encryption", "root", 0600, true});
  const std::string long_line = std::string(395, 'x') + "hub-pass-1 and on";
  machine.journal.lines["kubelet.service"] = {"join with t1.join-token-value", "hub-pass-1",
                                              "key-of-encryption", long_line};
  const auto failure =
      explain(FailureClass::kubelet, ErrorKind::io, std::string(kubelet_failed) + ": hub-pass-1");
  CHECK(failure.detail.log == std::vector<std::string>{"join with [secret]", "[secret]", "[secret]",
                                                       std::string(395, 'x') + "[secr"});
  CHECK(failure.error.message == std::string(kubelet_failed) + ": [secret]");
}

TEST_CASE_FIXTURE(FailureFixture, "without a journal the rest is told") {
  const auto failure = explain(FailureClass::kubelet, ErrorKind::io, kubelet_failed);
  CHECK(failure.detail.log.empty());
  CHECK_FALSE(failure.detail.cure.empty());
}

TEST_CASE_FIXTURE(FailureFixture, "of several failed units the one that gave the class is told") {
  const std::string both =
      "unit 'kubelet.service': job ended 'dependency'\nunit 'containerd.service': job ended 'failed'";
  CHECK(failed_unit({FailureClass::runtime, {ErrorKind::io, both}}) == "containerd.service");
  CHECK(failed_unit({FailureClass::disk, {ErrorKind::io, both}}) == "kubelet.service");
  CHECK(failed_unit({FailureClass::disk, {ErrorKind::io, "writing '/etc/x'"}}).empty());
}

TEST_CASE_FIXTURE(FailureFixture, "a full disk is told with its file system and what is left") {
  machine.files.spaces["/var/lib/muster"] = {0, 20ull << 30, 1000, 7};
  machine.files.spaces["/var/lib/kubelet"] = {0, 20ull << 30, 1000, 7};
  machine.files.spaces["/opt/muster"] = {12u << 20, 100u << 20, 1000, 8};
  machine.files.spaces["/run"] = {1u << 30, 2u << 30, 0, 9};
  const auto without_crictl =
      explain(FailureClass::disk, ErrorKind::exhausted, "writing '/etc/x': No space").detail.cure;
  CHECK(without_crictl.ends_with("`journalctl --vacuum-size=50M`; it goes on by itself then"));
  machine.files.put("/opt/muster/current/cri-tools/bin/crictl", "C");
  const std::string cure =
      "free space on the file system of /var/lib/muster (0.0 MiB of 20.0 GiB free), /opt/muster (12.0 MiB of 100.0 MiB free), /run (no file more fits): see `du -xh / | sort -h | tail`, `journalctl --vacuum-size=50M`, `/opt/muster/current/cri-tools/bin/crictl --runtime-endpoint=unix:///run/containerd/containerd.sock rmi --prune`; it goes on by itself then";
  CHECK(
      explain(FailureClass::disk, ErrorKind::exhausted, "writing '/etc/x': No space").detail.cure ==
      cure);
  machine.journal.lines["etcd.service"] = {"wal: write: no space left on device"};
  const auto etcd = explain(FailureClass::etcd, ErrorKind::io, "unit 'etcd.service': job ended");
  CHECK(etcd.kind == FailureClass::etcd);
  CHECK(etcd.detail.cure == cure);
}

TEST_CASE_FIXTURE(FailureFixture, "a port that is taken is told with its holder") {
  machine.files.put("/proc/net/tcp",
                    "  sl  local_address rem_address   st\n"
                    "   0: 00000000:280A 00000000:0000 0A 0 0 0 0 0 4711 1\n");
  machine.files.put("/proc/77/comm", "nc\n");
  REQUIRE(machine.files.make_directory("/proc/77/fd", 0755, "root"));
  REQUIRE(machine.files.link("/proc/77/fd/3", "socket:[4711]"));
  machine.journal.lines["kubelet.service"] = {
      "port 1:2", "listen tcp 10.77.0.11:10250: bind: address already in use"};
  CHECK(explain(FailureClass::kubelet, ErrorKind::io, kubelet_failed).detail.cure ==
        "port 10250 is held by 'nc' (process 77); stop it");
  REQUIRE(machine.files.remove("/proc/net/tcp"));
  CHECK(explain(FailureClass::kubelet, ErrorKind::io, kubelet_failed).detail.cure ==
        "find who holds the port with `ss -ltnp` and stop it");
}

TEST_CASE_FIXTURE(FailureFixture, "cures of what no unit caused") {
  CHECK(
      explain(FailureClass::network, ErrorKind::unavailable, "refused").detail.cure ==
      "see that this machine reaches https://10.0.0.254:8443: `ip route get ADDRESS`, firewall, cable");
  CHECK(explain(FailureClass::api, ErrorKind::unavailable, "refused")
            .detail.cure.find("API server") != std::string::npos);
  CHECK(explain(FailureClass::package, ErrorKind::corrupt, "digest")
            .detail.cure.find("muster release import") != std::string::npos);
  Failure known{FailureClass::network, {ErrorKind::invalid, "address"}, {{}, {}, "give it"}};
  add_details({&known}, unwell, run, desired);
  CHECK(known.detail.cure == "give it");
  CHECK(known.detail.unit.empty());
}

TEST_CASE_FIXTURE(FailureFixture,
                  "what is explained once stays as it is, for as long as it is held back") {
  machine.journal.lines["kubelet.service"] = {"first"};
  Failure one{FailureClass::kubelet, {ErrorKind::io, std::string(kubelet_failed)}};
  one.subject = "kubelet.service";
  Failure other = one;
  other.subject = "kubelet.service again";
  memory.backoff.failed(one.subject, one, machine.clock.since_boot());
  add_details({&one, &other}, unwell, run, desired);
  CHECK(machine.journal.asked.size() == 1);  // of one unit, once in a run
  CHECK(other.detail.log == std::vector<std::string>{"first"});
  machine.journal.lines["kubelet.service"] = {"second"};
  Failure held = *memory.backoff.failure("kubelet.service");
  add_details({&held}, unwell, run, desired);
  CHECK(machine.journal.asked.size() == 1);
  CHECK(held.detail.log == std::vector<std::string>{"first"});
}

TEST_CASE_FIXTURE(FailureFixture, "what is unwell is told without secrets too") {
  unwell = {{"images/pause.tar", "ctr: login t1.join-token-value refused", 0}};
  add_details({}, unwell, run, desired);
  CHECK(unwell[0].message == "ctr: login [secret] refused");
}

TEST_CASE_FIXTURE(FailureFixture, "of a panic the words are told, not the stack") {
  auto& lines = machine.journal.lines["kubelet.service"];
  lines = {"I1201 starting", "panic: cannot set feature gate NoSuchGate", "",
           "goroutine 1 [running]:"};
  for (int frame = 0; frame < 40; ++frame) lines.push_back(fmt::format("\t/src/file.go:{}", frame));
  lines.emplace_back("kubelet.service: Main process exited, code=exited, status=2");
  const auto failure = explain(FailureClass::kubelet, ErrorKind::io, kubelet_failed);
  CHECK(failure.detail.log ==
        std::vector<std::string>{"I1201 starting", "panic: cannot set feature gate NoSuchGate", "",
                                 "kubelet.service: Main process exited, code=exited, status=2"});
}

TEST_CASE_FIXTURE(FailureFixture, "the message has the component's own last words of an error") {
  const auto told = [&](std::vector<std::string> lines) {
    machine.journal.lines["kubelet.service"] = std::move(lines);
    return explain(FailureClass::kubelet, ErrorKind::io, kubelet_failed).error.message;
  };
  const std::string begin = "start kubelet.service: unit 'kubelet.service': job ended 'failed'";
  const std::string end = "; journalctl -u kubelet.service -b";
  const std::string of_systemd = "kubelet.service: Main process exited, status=1/error";
  CHECK(
      told(
          {"I1201 10:00:00.000000    1234 server.go:1] \"starting\" error=\"none\"",
           "E1201 10:00:00.000000    1234 run.go:72] \"command failed\" err=\"failed to validate kubelet configuration, error: x\"",
           "I1201 10:00:00.000001    1234 server.go:2] \"last\" err=\"none\"", of_systemd,
           "Failed to start kubelet.service - error."}) ==
      begin + ": \"command failed\" err=\"failed to validate kubelet configuration, error: x\"" +
          end);
  CHECK(told({"panic: unrecognized feature gate: NoSuchGate", "",
              "goroutine 1 [running]:", "\terror.go:1", of_systemd}) ==
        begin + ": panic: unrecognized feature gate: NoSuchGate" + end);
  CHECK(told({"Error: unknown flag: --x"}) == begin + ": Error: unknown flag: --x" + end);
  CHECK(told({R"({"level":"fatal","msg":"no"})", R"({"level":"info","error":"none"})"}) ==
        begin + R"(: {"level":"fatal","msg":"no"})" + end);
  CHECK(told({"error t1.join-token-value " + std::string(300, 'x')}) ==
        begin + ": error [secret] " + std::string(185, 'x') + end);
  CHECK(told({"all is well", of_systemd}) == begin + end);
}

TEST_CASE_FIXTURE(FailureFixture,
                  "what exits later is told with its words, and so is what is unwell") {
  machine.journal.lines["kube-proxy.service"] = {"err=\"no such mode\""};
  Failure failure = exit_failure("kube-proxy.service", 3);
  unwell = {{"kube-proxy.service", failure.error.message, 0}};
  add_details({&failure}, unwell, run, desired);
  const std::string expected =
      "unit 'kube-proxy.service': exited 3 times after its start: err=\"no such mode\"; journalctl -u kube-proxy.service -b";
  CHECK(failure.error.message == expected);
  CHECK(unwell[0].message == expected);
  // Told again, it has them once.
  add_details({&failure}, unwell, run, desired);
  CHECK(failure.error.message == expected);
}

TEST_CASE_FIXTURE(FailureFixture, "a full file system is found by what could not be written") {
  machine.files.spaces["/etc/kubernetes/pki"] = {0, 8192, 7, 42};
  const auto failure = explain(FailureClass::disk, ErrorKind::io,
                               "writing '/etc/kubernetes/pki/ca.crt': No space left on device");
  CHECK(failure.detail.cure.find("file system of /etc/kubernetes/pki (0.0 MiB of 0.0 MiB free)") !=
        std::string::npos);
}
