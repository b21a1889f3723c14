#include "agent/plan.hpp"

#include <doctest/doctest.h>

#include "agent/plan_text.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

// kubelet with a configuration file, a file it re-reads, a release and a tool.
struct PlanFixture {
  DesiredState desired;
  ObservedState observed;
  Checkpoint checkpoint;
  FakeFilesystem files;

  PlanFixture() {
    desired.files = {{"/etc/kubelet.yaml", "maxPods: 110\n", "root", 0644, false},
                     {"/etc/routes", "a\n", "root", 0644, false},
                     {"/etc/token", "secret\n", "root", 0600, true}};
    desired.releases = {{"kubernetes", "1.36.3", "sha256:new", 5'000'000},
                        {"runc", "1.5.2", "sha256:runc", 13'000'000}};
    desired.units = {{"kubelet.service",
                      {"/etc/kubelet.yaml"},
                      {"/etc/routes"},
                      {"kubernetes"},
                      {"runc"},
                      std::chrono::seconds(90),
                      false}};
    observed.units["kubelet.service"].active_state = "active";
    remember();
  }
  // The unit runs with what is desired now.
  void remember() { checkpoint.units["kubelet.service"] = inputs_of(desired.units[0], desired); }
  // A newer build was published; the machine has it not yet.
  void publish_runc() {
    desired.releases[1] = {"runc", "1.5.2-1", "sha256:runc-1", 13'000'000};
    observed.releases["runc"] = observed.unbrought["runc"] = "missing";
    observed.replaced["runc"] = "1.5.2";
  }
  std::string text(RunKind kind) {
    return to_text(make_plan(desired, observed, checkpoint, kind), files);
  }
};

}  // namespace

TEST_CASE_FIXTURE(PlanFixture, "nothing changed, nothing planned") {
  CHECK(text(RunKind::running) == "nothing to do\n");
  CHECK(text(RunKind::boot) == "nothing to do\n");
}

TEST_CASE_FIXTURE(PlanFixture, "after a reboot the units are started and nothing else") {
  observed.units["kubelet.service"].active_state = "inactive";
  CHECK(text(RunKind::boot) == "  start kubelet.service (not active)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "on a running machine a change that restarts waits, with its file") {
  desired.files[0].content = "maxPods: 120\n";
  observed.files["/etc/kubelet.yaml"] = "content differs";
  files.put("/etc/kubelet.yaml", "maxPods: 110\n");
  CHECK(text(RunKind::running) ==
        "  pending: kubelet.service: restart: /etc/kubelet.yaml content differs\n");
  const std::string applied =
      "  write /etc/kubelet.yaml (content differs)\n"
      "      - maxPods: 110\n"
      "      + maxPods: 120\n"
      "  restart kubelet.service [restart] (kubelet.service: /etc/kubelet.yaml content differs)\n";
  CHECK(text(RunKind::boot) == applied);
  CHECK(text(RunKind::ordered) == applied);
}

TEST_CASE_FIXTURE(PlanFixture, "another version of a release waits on a running machine") {
  desired.releases[0].manifest_digest = "sha256:newer";
  observed.releases["kubernetes"] = "missing";
  observed.replaced["kubernetes"] = "1.35.4";
  CHECK(text(RunKind::running) == "  pending: kubelet.service: restart: kubernetes is 1.35.4\n");
  CHECK(text(RunKind::boot) ==
        "  install release kubernetes 1.36.3 (5.0 MB) (missing)\n"
        "  restart kubelet.service [restart] (kubelet.service: kubernetes is 1.35.4)\n");
}

TEST_CASE_FIXTURE(PlanFixture,
                  "what a unit re-reads and what restarts nothing is applied at once") {
  desired.files[1].content = "b\n";
  observed.files["/etc/routes"] = "content differs";
  CHECK(text(RunKind::running) ==
        "  write /etc/routes (content differs)\n"
        "      + b\n"
        "  reload kubelet.service (what it re-reads has changed)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "a renewed certificate restarts nothing") {
  observed.certificates["kubelet-client"] = "half of its lifetime has passed";
  desired.certificates.push_back({});
  desired.certificates[0].name = "kubelet-client";
  CHECK(text(RunKind::running) ==
        "  obtain 1 certificate (kubelet-client: half of its lifetime has passed)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "a tool is brought ahead, and switched with its unit's restart") {
  publish_runc();
  const std::string pending = "  pending: kubelet.service: restart: runc is 1.5.2\n";
  CHECK(text(RunKind::running) ==
        "  bring release runc 1.5.2-1 (13.0 MB) (ahead of its turn: runc: missing)\n" + pending);
  observed.unbrought.clear();
  observed.releases["runc"] = "not current";
  CHECK(text(RunKind::running) == pending);
  CHECK(text(RunKind::ordered) ==
        "  install release runc 1.5.2-1 (13.0 MB) (not current)\n"
        "  restart kubelet.service [restart] (kubelet.service: runc is 1.5.2)\n");
  // The power went between the two.
  observed.releases.clear();
  observed.replaced.clear();
  CHECK(text(RunKind::ordered) ==
        "  restart kubelet.service [restart] (kubelet.service: started with other settings)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "where an older agent kept no tools, the links tell") {
  checkpoint.units["kubelet.service"].tools.clear();
  CHECK(text(RunKind::running) == "nothing to do\n");
  publish_runc();
  observed.unbrought.clear();
  CHECK(text(RunKind::running) == "  pending: kubelet.service: restart: runc is 1.5.2\n");
}

TEST_CASE_FIXTURE(PlanFixture, "another build of the running version is not brought over it") {
  desired.releases[1].manifest_digest = "sha256:other";
  observed.releases["runc"] = observed.unbrought["runc"] = "not verified yet";
  observed.replaced["runc"] = "another build of 1.5.2";
  CHECK(text(RunKind::running) ==
        "  pending: kubelet.service: restart: runc is another build of 1.5.2\n");
}

TEST_CASE_FIXTURE(PlanFixture, "a damaged release is repaired while something else waits") {
  desired.files[0].content = "maxPods: 120\n";
  observed.files["/etc/kubelet.yaml"] = "content differs";
  observed.releases["runc"] = observed.unbrought["runc"] = "bin/runc changed";
  CHECK(text(RunKind::running) ==
        "  install release runc 1.5.2 (13.0 MB) (bin/runc changed)\n"
        "  pending: kubelet.service: restart: /etc/kubelet.yaml content differs\n");
}

TEST_CASE_FIXTURE(PlanFixture, "what crashed while a change waits comes back as it was") {
  publish_runc();
  desired.files[0].content = "maxPods: 120\n";
  observed.files["/etc/kubelet.yaml"] = "content differs";
  observed.units["kubelet.service"].active_state = "failed";
  const auto plan = make_plan(desired, observed, checkpoint, RunKind::running);
  CHECK(to_text(plan, files) ==
        "  bring release runc 1.5.2-1 (13.0 MB) (ahead of its turn: runc: missing)\n"
        "  start kubelet.service (not active)\n"
        "  pending: kubelet.service: restart: /etc/kubelet.yaml content differs, runc is 1.5.2\n");
  CHECK(std::get<StartUnits>(plan.actions.back().action).as_before ==
        std::set<std::string>{"kubelet.service"});
  // The machine's own boot, and a unit that never ran, have nothing to come back to.
  CHECK(text(RunKind::boot).find("write /etc/kubelet.yaml") != std::string::npos);
  checkpoint.units.clear();
  CHECK(text(RunKind::running).find("write /etc/kubelet.yaml") != std::string::npos);
}

TEST_CASE_FIXTURE(PlanFixture,
                  "a unit that shares what waits for another is started with the old") {
  desired.files[0].content = "maxPods: 120\n";
  observed.files["/etc/kubelet.yaml"] = "content differs";
  desired.units.push_back({"new.service", {"/etc/kubelet.yaml"}, {}, {}, {}, {}, false});
  const auto plan = make_plan(desired, observed, checkpoint, RunKind::running);
  CHECK(std::get<StartUnits>(plan.actions.back().action).as_before ==
        std::set<std::string>{"new.service"});
}

TEST_CASE_FIXTURE(PlanFixture, "what failed in its turn has nothing to come back as") {
  desired.files[0].content = "maxPods: 110 again\n";
  observed.files["/etc/kubelet.yaml"] = "content differs";
  observed.units["kubelet.service"].active_state = "failed";
  checkpoint.units["kubelet.service"].configuration.clear();
  const auto plan = make_plan(desired, observed, checkpoint, RunKind::running);
  CHECK(plan.pending.empty());
  CHECK(std::get<StartUnits>(plan.actions.back().action).as_before.empty());
  CHECK(text(RunKind::running).starts_with("  write /etc/kubelet.yaml (content differs)\n"));
}

TEST_CASE_FIXTURE(PlanFixture, "secrets are written and never shown") {
  observed.files["/etc/token"] = "content differs";
  CHECK(text(RunKind::running) == "  write /etc/token (content differs)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "files that are no longer wanted go") {
  checkpoint.files = {"/etc/routes", "/etc/old"};
  CHECK(text(RunKind::running) == "  remove /etc/old (no longer wanted)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "a unit that is no longer wanted waits to be stopped") {
  checkpoint.units["etcd.service"] = {};
  observed.units["etcd.service"].active_state = "active";
  CHECK(text(RunKind::running) == "  pending: etcd.service: stop: no longer wanted\n");
  CHECK(text(RunKind::boot) == "  stop etcd.service [restart] (no longer wanted)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "images are imported between containerd and the rest") {
  desired.units.push_back({"containerd.service", {}, {}, {}, {}, std::chrono::seconds(60), false});
  observed.units["kubelet.service"].active_state = "inactive";
  observed.units["containerd.service"].active_state = "inactive";
  observed.images = {{"/opt/pause.tar", "sha256:p"}};
  CHECK(text(RunKind::boot) ==
        "  start containerd.service (not active)\n"
        "  import image /opt/pause.tar (not in containerd)\n"
        "  start kubelet.service (not active)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "a plan can be cut to its foundation and to one unit") {
  desired.units.push_back({"etcd.service", {}, {}, {}, {}, std::chrono::seconds(60), false});
  observed.units["kubelet.service"].active_state = "inactive";
  observed.units["etcd.service"].active_state = "inactive";
  observed.releases["kubernetes"] = "missing";
  observed.files["/etc/routes"] = "missing";
  const auto plan = make_plan(desired, observed, checkpoint, RunKind::boot);
  CHECK(to_text(foundation_of(plan), files) ==
        "  install release kubernetes 1.36.3 (5.0 MB) (missing)\n");
  CHECK(to_text(up_to_unit(plan, "etcd.service"), files) ==
        "  install release kubernetes 1.36.3 (5.0 MB) (missing)\n"
        "  write /etc/routes (missing)\n      + a\n"
        "  start etcd.service (not active)\n");
}

TEST_CASE_FIXTURE(PlanFixture, "what should watch is started again on a machine that runs") {
  observed.lapsed["muster-kubelet-monitor.service"] = "stopped";
  CHECK(text(RunKind::boot) == "nothing to do\n");
  CHECK(text(RunKind::ordered) == "nothing to do\n");
  const auto plan = make_plan(desired, observed, checkpoint, RunKind::running);
  CHECK(
      to_text(plan, files) ==
      "  restart muster-kubelet-monitor.service [restart] (muster-kubelet-monitor.service: stopped)\n");
  CHECK(std::get<RestartUnits>(plan.actions[0].action).puts_back);
}

TEST_CASE_FIXTURE(PlanFixture, "files of ours are put right, and systemd reads its own again") {
  observed.corrections = {
      {CorrectFile{"/etc/key", "root", 0600, {}}, Cost::none, "mode 0644, expected 0600"}};
  CHECK(text(RunKind::running) == "  put right /etc/key (mode 0644, expected 0600)\n");
  observed.corrections[0] = {
      CorrectFile{"/usr/lib/systemd/system/kubelet.service", "root", 0644, "x"}, Cost::none,
      "content differs"};
  CHECK(text(RunKind::running) ==
        "  put right /usr/lib/systemd/system/kubelet.service (content differs)\n"
        "  reload systemd's units (unit files changed on disk)\n");
}

TEST_CASE_FIXTURE(PlanFixture,
                  "what fell out of effect is put back by a unit whose restart is harmless") {
  observed.undone["kubelet.service"] = "route 10.244.3.0/24: missing";
  CHECK(text(RunKind::running) == "nothing to do\n");
  desired.units[0].restart_is_harmless = true;
  for (const auto kind : {RunKind::running, RunKind::boot}) {
    CHECK(text(kind) ==
          "  restart kubelet.service [restart] (kubelet.service: route 10.244.3.0/24: missing)\n");
  }
}
