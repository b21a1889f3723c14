#include "agent/monitor/escalation.hpp"

#include <doctest/doctest.h>

using namespace muster;
using std::chrono::seconds;

namespace {

// A monitor that probes every 30 s, as the real one does.
class Watched {
 public:
  MonitorStep probe(bool healthy, std::uint32_t main_pid = 7, bool settled = true) {
    now_ += seconds(30);
    return next_step(*subject_, {settled, healthy, main_pid}, now_, memory_);
  }
  // Unhealthy until something is done; how many probes that took.
  int probes_until(MonitorStep wanted, std::uint32_t main_pid = 7) {
    for (int count = 1; count < 100; ++count) {
      const MonitorStep step = probe(false, main_pid);
      if (step == wanted) return count;
      REQUIRE(step == MonitorStep::none);
    }
    return 0;
  }

 private:
  Result<MonitorSubject> subject_ = monitor_subject("kubelet");
  MonitorMemory memory_;
  std::chrono::nanoseconds now_ = seconds(1000);
};

}  // namespace

TEST_CASE("one failed probe is nothing; sixty seconds of them are a restart") {
  Watched kubelet;
  for (int i = 0; i < 5; ++i) CHECK(kubelet.probe(true) == MonitorStep::none);
  CHECK(kubelet.probe(false) == MonitorStep::none);
  CHECK(kubelet.probe(true) == MonitorStep::none);
  CHECK(kubelet.probe(false) == MonitorStep::none);
  CHECK(kubelet.probe(false) == MonitorStep::none);
  CHECK(kubelet.probe(false) == MonitorStep::restart);
}

TEST_CASE("a young process has its time to start, and a stopped unit is nobody's fault") {
  Watched kubelet;
  // The first probe meets the process; 120 s later it is old enough.
  CHECK(kubelet.probes_until(MonitorStep::restart) == 5);
  CHECK(kubelet.probes_until(MonitorStep::restart, 8) == 5);
  for (int i = 0; i < 10; ++i) CHECK(kubelet.probe(false, 0, false) == MonitorStep::none);
}

TEST_CASE("three restarts, one report, then hands off until it is healthy for ten minutes") {
  Watched kubelet;
  for (std::uint32_t pid = 1; pid <= 3; ++pid) kubelet.probes_until(MonitorStep::restart, pid);
  kubelet.probes_until(MonitorStep::give_up, 4);
  for (int i = 0; i < 50; ++i) CHECK(kubelet.probe(false, 4) == MonitorStep::none);
  // A short recovery does not give it three more restarts.
  for (int i = 0; i < 5; ++i) CHECK(kubelet.probe(true, 4) == MonitorStep::none);
  for (int i = 0; i < 50; ++i) CHECK(kubelet.probe(false, 4) == MonitorStep::none);
  for (int i = 0; i < 21; ++i) CHECK(kubelet.probe(true, 4) == MonitorStep::none);
  CHECK(kubelet.probes_until(MonitorStep::restart, 4) == 3);
}

TEST_CASE("only two things are watched") {
  CHECK(monitor_subject("runtime")->unit == "containerd.service");
  const auto unknown = monitor_subject("etcd");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().message == "monitor: expected kubelet, runtime or network, found 'etcd'");
}
