#include "agent/packages.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

struct PackagesFixture {
  FakeHost machine;
  Checkpoint checkpoint;
  Release release{
      "haproxy", "2.6", "amd64", {{"debs/haproxy.deb", ArtifactKind::deb, "0644", "sha256:x", 1}}};
  PackagesFixture() {
    machine.files.put("/etc/systemd/system/x", "");
    machine.process.answer = [](const ProcessRequest& request) {
      ProcessOutcome outcome;
      if (request.arguments[1] == "--contents") {
        outcome.output =
            "-rw-r--r-- root/root 1 2024-01-01 00:00 ./lib/systemd/system/haproxy.service\n"
            "-rwxr-xr-x root/root 1 2024-01-01 00:00 ./usr/sbin/haproxy\n";
      } else {
        outcome.output = "haproxy 2.6.12-1";
      }
      return outcome;
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(PackagesFixture,
                  "a package's own services are masked before dpkg runs outside the sandbox") {
  const auto installed = install_packages(machine.host, checkpoint, release, "/opt/r");
  REQUIRE(installed);
  CHECK(installed->at("haproxy") == "2.6.12-1");
  CHECK(machine.files.status("/etc/systemd/system/haproxy.service")->link_target == "/dev/null");
  CHECK(checkpoint.packages.count("haproxy") == 1);
  CHECK(checkpoint.created.count("/etc/systemd/system/haproxy.service") == 1);
  const auto& last = machine.process.runs.back();
  CHECK(last.front() == "/usr/bin/systemd-run");
  CHECK(std::find(last.begin(), last.end(), "--force-confold") != last.end());
  CHECK(last.back() == "/opt/r/debs/haproxy.deb");
}

TEST_CASE_FIXTURE(PackagesFixture, "what is installed in its version is left alone") {
  machine.files.put("/var/lib/dpkg/status",
                    "Package: haproxy\nStatus: install ok installed\nVersion: 2.6.12-1\n\n"
                    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n");
  REQUIRE(install_packages(machine.host, checkpoint, release, "/opt/r"));
  CHECK(machine.process.runs.size() == 1);
  CHECK(checkpoint.packages.empty());
  CHECK(installed_packages(machine.files) ==
        std::map<std::string, std::string>{{"haproxy", "2.6.12-1"}});
}
