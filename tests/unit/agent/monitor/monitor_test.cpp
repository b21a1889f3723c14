#include "agent/monitor/monitor.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

TEST_CASE("a verdict is told at each probe, with its time") {
  FakeHost machine;
  machine.services.on_look = [] {};  // no other monitor
  machine.files.fail_at = 3;         // after the folder and two verdicts
  const auto done = run_monitor(*monitor_subject("runtime"), machine.host);
  REQUIRE_FALSE(done);
  CHECK(
      done.error().message ==
      "writing '/run/muster-monitor/runtime.json': write /run/muster-monitor/runtime.json: injected failure");
  CHECK(
      machine.files.text("/run/muster-monitor/runtime.json") ==
      "{\"at\":35,\"healthy\":true,\"message\":\"\",\"restarts\":0,\"unit\":\"containerd.service\"}\n");
}
