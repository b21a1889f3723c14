#include "agent/trial.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

struct TrialFixture {
  FakeHost machine;
  // A process that was started `age` ago.
  UnitStatus running(std::chrono::seconds age, std::uint32_t restarts) {
    UnitStatus status{"loaded", "active", 77};
    status.restarts = restarts;
    const auto ticks = (machine.clock.since_boot() - age) / std::chrono::milliseconds(10);
    machine.files.put("/proc/77/stat",
                      fmt::format("77 (x) S{} {} 0\n",
                                  std::string(" 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"), ticks));
    return status;
  }
  void listen_on(std::uint16_t port) {
    machine.files.put(
        "/proc/net/tcp",
        fmt::format("   0: 0100007F:{:04X} 00000000:0000 0A 0 0 0 0 0 4711 1\n", port));
  }
  std::string why_not(const std::string& unit, const UnitStatus& status) {
    return unproven_reason(machine.host, unit, status);
  }
};

}  // namespace

TEST_CASE_FIXTURE(TrialFixture, "a unit whose start says that it works is proven by it") {
  machine.clock.sleep(std::chrono::seconds(60));
  CHECK(why_not("kubelet.service", running(std::chrono::seconds(0), 0)).empty());
  CHECK(why_not("muster-kernel.service", {"loaded", "active"}).empty());
  CHECK(why_not("kubelet.service", {"loaded", "activating"}) == "activating");
  // It came back: by then its start says nothing any more.
  CHECK(why_not("kubelet.service", running(std::chrono::seconds(1), 1)) == "started 1 s ago");
  CHECK(why_not("kubelet.service", running(std::chrono::seconds(5), 1)).empty());
}

TEST_CASE_FIXTURE(TrialFixture,
                  "a unit whose start says nothing is proven by its port, or by time") {
  machine.clock.sleep(std::chrono::seconds(60));
  for (const auto& [name, port] : std::map<std::string, std::uint16_t>{
           {"kube-proxy.service", std::uint16_t{10256}},
           {"kube-controller-manager.service", std::uint16_t{10257}},
           {"kube-scheduler.service", std::uint16_t{10259}}}) {
    const std::string unit = name;  // clang 14 captures no structured binding
    CAPTURE(unit);
    REQUIRE(machine.files.remove("/proc/net/tcp"));
    CHECK(why_not(unit, running(std::chrono::seconds(4), 0)) == "started 4 s ago");
    CHECK(why_not(unit, running(std::chrono::seconds(5), 0)).empty());
    listen_on(port);
    CHECK(why_not(unit, running(std::chrono::seconds(0), 0)).empty());
    CHECK(why_not(unit, running(std::chrono::seconds(0), 1)) == "started 0 s ago");
  }
}
