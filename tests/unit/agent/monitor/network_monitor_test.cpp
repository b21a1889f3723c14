#include "agent/monitor/network_monitor.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

struct NetworkMonitorFixture {
  FakeHost machine;
  ProcessOutcome nft{0, "table ip muster {\n}\n", ""};
  const std::string path = "/run/muster-monitor/network.json";

  NetworkMonitorFixture() {
    machine.files.put("/run/muster-monitor/kubelet.json", "{}");
    machine.files.put("/usr/sbin/nft", "nft");
    machine.process.answer = [this](const ProcessRequest&) { return nft; };
  }
};

}  // namespace

TEST_CASE_FIXTURE(NetworkMonitorFixture,
                  "the table is told as it is, with the note that was there") {
  machine.files.put(paths::masquerade_note, "sha256:made run1\n");
  REQUIRE(look_at_network(machine.host));
  CHECK(machine.files.text(path) == "{\"at\":5,\"found\":\"" + sha256_digest(nft.output) +
                                        "\",\"noted\":\"sha256:made run1\\n\"}\n");
  // What it found stays, and that it was found again is told.
  machine.clock.sleep(std::chrono::seconds(5));
  nft = {1, "", "Error: No such file or directory\nlist table ip muster"};
  REQUIRE(look_at_network(machine.host));
  CHECK(machine.files.text(path) ==
        "{\"at\":10,\"found\":\"\",\"noted\":\"sha256:made run1\\n\"}\n");
}

TEST_CASE_FIXTURE(NetworkMonitorFixture,
                  "a machine without nft has no table, and no process starts") {
  REQUIRE(machine.files.remove("/usr/sbin/nft"));
  REQUIRE(look_at_network(machine.host));
  CHECK(machine.files.text(path) == "{\"at\":5,\"found\":\"\",\"noted\":\"\"}\n");
  CHECK(machine.process.runs.empty());
}

TEST_CASE_FIXTURE(NetworkMonitorFixture, "an nft that may not look is no missing table") {
  nft = {1, "", "Operation not permitted"};
  const auto looked = look_at_network(machine.host);
  REQUIRE_FALSE(looked);
  CHECK(
      looked.error().message ==
      "`nft list table ip muster`: expected the table, found exit status 1: Operation not permitted");
  CHECK_FALSE(machine.files.has(path));
}
