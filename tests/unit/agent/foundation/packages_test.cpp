#include "agent/foundation/packages.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/run/failure.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

constexpr const char* mask = "/etc/systemd/system/haproxy.service";

struct PackagesFixture {
  FakeHost machine;
  Checkpoint checkpoint;
  Release release{
      "haproxy", "2.6", "amd64", {{"debs/haproxy.deb", ArtifactKind::deb, "0644", "sha256:x", 1}}};
  std::string version = "2.6.12-1";    // of the release's package
  std::vector<std::string> lock_held;  // what dpkg says while its lock is held, at each run
  std::function<void()> on_dpkg = [] {};
  std::vector<std::string> narrated;

  PackagesFixture() {
    machine.files.put("/etc/systemd/system/x", "");
    machine.process.answer = [this](const ProcessRequest& request) {
      ProcessOutcome outcome;
      if (request.arguments[0] == "/usr/bin/systemd-run") return dpkg();
      if (request.arguments[1] == "--contents") {
        outcome.output =
            "-rw-r--r-- root/root 1 2024-01-01 00:00 ./lib/systemd/system/haproxy.service\n"
            "-rwxr-xr-x root/root 1 2024-01-01 00:00 ./usr/sbin/haproxy\n";
      } else {
        outcome.output = "haproxy " + version;
      }
      return outcome;
    };
  }
  ProcessOutcome dpkg() {
    on_dpkg();
    if (!lock_held.empty()) {
      const std::string said = lock_held.front();
      lock_held.erase(lock_held.begin());
      return {2, "", said};
    }
    there("installed", version);
    return {};
  }
  void there(const std::string& state, const std::string& installed) {
    machine.files.put("/var/lib/dpkg/status", "Package: haproxy\nStatus: install ok " + state +
                                                  "\nVersion: " + installed + "\n\n");
  }
  // What is there in the end, or what was wrong.
  std::string install() {
    const auto done =
        install_packages(machine.host, checkpoint, release, "/opt/r",
                         [this](std::string_view line) { narrated.emplace_back(line); });
    if (!done) return done.error().message;
    CHECK(done->at("haproxy") == version);
    return installed_packages(machine.files).at("haproxy").version;
  }
  [[nodiscard]] long dpkg_runs() const {
    return std::count_if(machine.process.runs.begin(), machine.process.runs.end(),
                         [](const auto& run) { return run[0] == "/usr/bin/systemd-run"; });
  }
};

}  // namespace

TEST_CASE_FIXTURE(PackagesFixture,
                  "a package's own services are masked before dpkg runs outside the sandbox") {
  on_dpkg = [this] {
    CHECK(machine.files.status(mask)->link_target == "/dev/null");
    const auto noted = load_checkpoint(machine.files);
    REQUIRE(noted);
    CHECK(noted->packages.contains("haproxy"));
    CHECK(noted->created.contains(mask));
  };
  CHECK(install() == "2.6.12-1");
  CHECK(dpkg_runs() == 1);
  const auto& last = machine.process.runs.back();
  CHECK(std::find(last.begin(), last.end(), "--setenv=LC_ALL=C.UTF-8") != last.end());
  CHECK(std::find(last.begin(), last.end(), "--force-confold") != last.end());
  CHECK(last.back() == "/opt/r/debs/haproxy.deb");
  CHECK(checkpoint.package_versions.at("haproxy") == "2.6.12-1");
}

TEST_CASE_FIXTURE(PackagesFixture, "what is installed in its version is left alone") {
  there("installed", "2.6.12-1");
  CHECK(install() == "2.6.12-1");
  CHECK(machine.process.runs.size() == 1);
  CHECK(checkpoint.packages.empty());
  CHECK(checkpoint.package_versions.empty());
}

TEST_CASE("what dpkg knows: removed packages are not there, unfinished ones are not whole") {
  FakeFilesystem files;
  files.put("/var/lib/dpkg/status",
            "Package: one\nStatus: install ok installed\nVersion: 1\n\n"
            "Package: gone\nStatus: deinstall ok config-files\nVersion: 2\n\n"
            "Package: never\nStatus: purge ok not-installed\nVersion: 3\n\n"
            "Package: half\nStatus: install ok half-configured\nVersion: 4\n\n");
  const auto packages = installed_packages(files);
  REQUIRE(packages.size() == 2);
  CHECK(packages.at("one").version == "1");
  CHECK(packages.at("one").is_whole);
  CHECK_FALSE(packages.at("half").is_whole);
  CHECK(missing_package(files, {{"one", "0.9"}}).empty());
  CHECK(missing_package(files, {{"one", "1.1"}}) == "package one 1.1 is not installed");
  CHECK(missing_package(files, {{"half", "4"}}) == "package half 4 is not installed");
  CHECK(missing_package(files, {{"gone", "2"}}) == "package gone 2 is not installed");
}

TEST_CASE_FIXTURE(PackagesFixture, "what the distribution updated is never taken back") {
  CHECK(install() == "2.6.12-1");
  there("installed", "2.6.12-1+deb12u1");
  CHECK(install() == "2.6.12-1+deb12u1");
  CHECK(dpkg_runs() == 1);
  // A release of the same version, or one between, changes nothing either; a later one does.
  version = "2.6.12-1+deb12u1~rc";
  CHECK(install() == "2.6.12-1+deb12u1");
  version = "2.6.12-1+deb12u2";
  CHECK(install() == "2.6.12-1+deb12u2");
  CHECK(dpkg_runs() == 2);
}

TEST_CASE_FIXTURE(PackagesFixture, "a version that Muster put there may be taken back") {
  version = "2.8.3-1";
  CHECK(install() == "2.8.3-1");
  version = "2.6.12-1";
  CHECK(install() == "2.6.12-1");
  CHECK(dpkg_runs() == 2);
}

TEST_CASE_FIXTURE(PackagesFixture, "a package that Muster did not install is left alone") {
  there("installed", "2.8.3-1");
  CHECK(install() == "2.8.3-1");
  there("installed", "2.6.1-1");
  CHECK(
      install() ==
      "packages that Muster did not install are left alone, and too old: haproxy 2.6.1-1 (expected 2.6.12-1 or later); on the machine: apt-get update && apt-get install --only-upgrade haproxy");
  CHECK(dpkg_runs() == 0);
  CHECK(checkpoint.packages.empty());
  CHECK_FALSE(machine.files.status(mask));
}

TEST_CASE_FIXTURE(PackagesFixture, "what an image brought is Muster's, and stays at a reset") {
  there("installed", "2.6.1-1");
  machine.files.put(
      "/opt/muster/carried-releases.json",
      R"({"releases":{"haproxy/2.6":{"files":{},"manifestDigest":"sha256:x","packages":{"haproxy":"2.6.1-1"}}},"version":"1"})");
  checkpoint = *load_checkpoint(machine.files);
  CHECK(install() == "2.6.12-1");
  CHECK(checkpoint.packages.empty());
}

TEST_CASE_FIXTURE(PackagesFixture, "dpkg's lock is waited for, and who holds it is told once") {
  machine.files.put("/proc/812/comm", "unattended-upgr\n");
  lock_held.assign(
      3, "dpkg: error: dpkg frontend lock was locked by another process with pid 812\nNote: ...\n");
  CHECK(install() == "2.6.12-1");
  CHECK(dpkg_runs() == 4);
  CHECK(narrated ==
        std::vector<std::string>{
            "dpkg's lock is held by process 812 (unattended-upgr); waiting up to 60 s"});
}

TEST_CASE_FIXTURE(PackagesFixture, "a lock that is held too long is no fault of the document") {
  lock_held.assign(100, "dpkg: error: dpkg database lock was locked by another process\n");
  const auto began = machine.clock.since_boot();
  const auto done = install_packages(machine.host, checkpoint, release, "/opt/r", [](auto) {});
  REQUIRE_FALSE(done);
  CHECK(done.error().kind == ErrorKind::conflict);
  CHECK(done.error().message ==
        "dpkg's lock is held by another process, waited 60 s; it is tried again at the next poll");
  CHECK(machine.clock.since_boot() - began == std::chrono::seconds(60));
  CHECK(class_of(InstallRelease{}, done.error()) == FailureClass::disk);
  // dpkg did nothing, so nothing is Muster's.
  CHECK(checkpoint.packages.empty());
  CHECK(checkpoint.package_versions.empty());
  CHECK(checkpoint.created.empty());
  CHECK_FALSE(machine.files.status(mask));
}

TEST_CASE_FIXTURE(PackagesFixture, "what somebody installed while the lock was held is his") {
  lock_held.assign(1, "dpkg: error: dpkg frontend lock was locked by another process with pid 8\n");
  on_dpkg = [this] { there("installed", "2.6.12-1+deb12u1"); };
  CHECK(install() == "2.6.12-1+deb12u1");
  CHECK(dpkg_runs() == 1);
  CHECK(checkpoint.packages.empty());
  CHECK_FALSE(machine.files.status(mask));
}

TEST_CASE_FIXTURE(PackagesFixture, "an installation that was cut off is finished, if it is ours") {
  there("half-configured", "2.6.12-1");
  CHECK(
      install() ==
      "packages that Muster did not install are not whole: haproxy; if nobody installs them now: dpkg --configure -a, waited 60 s; it is tried again at the next poll");
  REQUIRE(machine.files.remove("/var/lib/dpkg/status"));
  machine.files.crash_at = machine.files.calls + 3;  // checkpoint, its folder and mask are there
  static_cast<void>(install());
  machine.files.restart();
  there("half-configured", "2.6.12-1");
  checkpoint = *load_checkpoint(machine.files);
  CHECK(checkpoint.packages.contains("haproxy"));
  CHECK(install() == "2.6.12-1");
}
