#include "agent/monitor/probe.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

TEST_CASE("the runtime is asked over the CRI where the machine has crictl, else by ctr") {
  FakeHost machine;
  machine.process.answer = [](const ProcessRequest&) {
    return ProcessOutcome{1, "", "context deadline exceeded"};
  };
  const auto subject = *monitor_subject("runtime");
  const auto by_ctr = probe(subject, machine.host);
  REQUIRE_FALSE(by_ctr);
  CHECK(by_ctr.error().message ==
        "`ctr version`: expected an answer, found exit status 1: context deadline exceeded");
  machine.files.put("/opt/muster/current/cri-tools/bin/crictl", "crictl");
  const auto by_crictl = probe(subject, machine.host);
  REQUIRE_FALSE(by_crictl);
  CHECK(by_crictl.error().message ==
        "`crictl pods`: expected an answer, found exit status 1: context deadline exceeded");
  CHECK(machine.process.runs.back() ==
        std::vector<std::string>{"/opt/muster/current/cri-tools/bin/crictl", "--config=/dev/null",
                                 "--runtime-endpoint=unix:///run/containerd/containerd.sock",
                                 "--timeout=10s", "pods", "--quiet"});
  machine.process.answer = nullptr;
  CHECK(probe(subject, machine.host));
}
