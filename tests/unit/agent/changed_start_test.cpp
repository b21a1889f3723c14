// A component that was started on a file that somebody had changed, through whole polls: the file
// is put right, and the component waits for its restart as for any other.
#include "agent/state/checkpoint_json.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

const std::string edited_kubelet = "kubelet.service";
const std::string edited_yaml = "/etc/kubernetes/kubelet.yaml";
const std::string edited_unit = "/usr/lib/systemd/system/kubelet.service";
const std::vector<std::string> waits_for_restart = {
    "kubelet.service: restart: started with a changed /etc/kubernetes/kubelet.yaml"};

struct ChangedStartFixture : ReconcileFixture {
  ChangedStartFixture() {
    REQUIRE(converge().verdict == Verdict::converged);
    start(77);
    machine.clock.sleep(std::chrono::seconds(60));
    REQUIRE(converge().verdict == Verdict::converged);
  }
  // kubelet's process is another one, from now on.
  void start(std::uint32_t pid) {
    machine.services.pids[edited_kubelet] = pid;
    machine.files.put(fmt::format("/proc/{}/stat", pid),
                      fmt::format("{} (kubelet) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 {} 313\n",
                                  pid, machine.clock.since_boot() / std::chrono::milliseconds(10)));
  }
  void edit(const std::string& path, const std::string& content) {
    machine.clock.sleep(std::chrono::seconds(10));
    machine.files.put(path, content, 0600);
    machine.files.nodes[path].modified_ns =
        machine.clock.now().time_since_epoch() / std::chrono::nanoseconds(1);
    machine.clock.sleep(std::chrono::seconds(10));
  }
  Verdict poll(bool ordered = false) {
    machine.clock.sleep(std::chrono::seconds(60));
    machine.services.calls.clear();
    machine.files.changes.clear();
    return converge(ordered).verdict;
  }
};

}  // namespace

TEST_CASE_FIXTURE(ChangedStartFixture,
                  "one that was started on an edited file waits for a restart") {
  const std::string before = machine.files.text(edited_yaml);
  edit(edited_yaml, "maxPods: 1\n");
  start(78);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(machine.files.text(edited_yaml) == before);
  CHECK(site.reports.back().pending == waits_for_restart);
  CHECK(machine.services.calls.empty());
  memory = Memory();
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending == waits_for_restart);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(machine.files.changes.empty());
  CHECK(poll(true) == Verdict::converged);
  CHECK(machine.services.calls == std::vector<std::string>{"restart " + edited_kubelet});
  start(79);
  CHECK(poll() == Verdict::converged);
  CHECK(site.reports.back().pending.empty());
}

TEST_CASE_FIXTURE(ChangedStartFixture, "one that is older than the edit runs on") {
  edit(edited_yaml, "maxPods: 1\n");
  CHECK(poll() == Verdict::converged);
  CHECK(site.reports.back().pending.empty());
  CHECK(machine.services.calls.empty());
}

TEST_CASE_FIXTURE(ChangedStartFixture,
                  "one that restarted on what was put right waits for nothing") {
  edit(edited_yaml, "maxPods: 1\n");
  start(78);
  CHECK(poll() == Verdict::pending_changes);
  start(79);
  CHECK(poll() == Verdict::converged);
  CHECK(machine.services.calls.empty());
}

TEST_CASE_FIXTURE(ChangedStartFixture,
                  "one that was started on another release or unit file waits too") {
  const std::string link = "/opt/muster/current/kubernetes-node";
  REQUIRE(machine.files.link(link, "/root/mine"));
  start(78);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending ==
        std::vector<std::string>{"kubelet.service: restart: started with a changed " + link});
  start(79);
  CHECK(poll() == Verdict::converged);
  machine.services.fragments[edited_kubelet] = edited_unit;
  edit(edited_unit, "[Service]\nExecStart=/bin/true\n");
  start(80);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(
      site.reports.back().pending ==
      std::vector<std::string>{"kubelet.service: restart: started with a changed " + edited_unit});
}

TEST_CASE_FIXTURE(ChangedStartFixture,
                  "one that was started on an edited file while another document waited is known") {
  const NodeDocument before = document;
  document.generation = 2;
  document.config.kubelet.max_pods = 120;
  serve();
  CHECK(poll() == Verdict::pending_changes);
  edit(edited_yaml, "maxPods: 1\n");
  start(78);
  CHECK(poll() == Verdict::pending_changes);
  document = before;
  document.generation = 3;
  serve();
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending == waits_for_restart);
  CHECK(poll(true) == Verdict::converged);
  CHECK(machine.services.calls == std::vector<std::string>{"restart " + edited_kubelet});
  CHECK(poll() == Verdict::converged);
}

TEST_CASE_FIXTURE(ChangedStartFixture,
                  "one that came up by itself while another document waited ran as before") {
  const NodeDocument before = document;
  document.generation = 2;
  document.config.kubelet.max_pods = 120;
  serve();
  CHECK(poll() == Verdict::pending_changes);
  start(78);
  CHECK(poll() == Verdict::pending_changes);
  document = before;
  document.generation = 3;
  serve();
  CHECK(poll() == Verdict::converged);
  CHECK(site.reports.back().pending.empty());
}

TEST_CASE_FIXTURE(ChangedStartFixture, "an edit that was taken back after the start is no secret") {
  const std::string before = machine.files.text(edited_yaml);
  edit(edited_yaml, "maxPods: 1\n");
  start(78);
  edit(edited_yaml, before);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending ==
        std::vector<std::string>{"kubelet.service: restart: started before a change of " +
                                 edited_yaml + ", with what is not known"});
  CHECK(poll() == Verdict::pending_changes);
  CHECK(machine.files.changes.empty());
  CHECK(poll(true) == Verdict::converged);
  CHECK(machine.services.calls == std::vector<std::string>{"restart " + edited_kubelet});
  CHECK(poll() == Verdict::converged);
}

TEST_CASE_FIXTURE(ChangedStartFixture, "one that runs with a drop-in that is gone waits too") {
  const std::string drop_in = "/etc/systemd/system/kubelet.service.d/mine.conf";
  machine.files.put(drop_in, "[Service]\nEnvironment=ARGS=--v=9\n");
  machine.services.drop_ins[edited_kubelet] = {drop_in};
  start(78);
  CHECK(poll() == Verdict::converged);
  CHECK(site.reports.back().pending.empty());
  machine.services.drop_ins.clear();
  machine.files.nodes.erase(drop_in);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending ==
        std::vector<std::string>{"kubelet.service: restart: started with a changed " + drop_in});
  CHECK(poll(true) == Verdict::converged);
  CHECK(poll() == Verdict::converged);
}

TEST_CASE_FIXTURE(ChangedStartFixture, "of what an agent before did not note nothing bad is said") {
  const std::string before = machine.files.text(edited_yaml);
  start(78);
  edit(edited_yaml, before);
  auto checkpoint = must(load_checkpoint(machine.files));
  CHECK(checkpoint.starts.count(edited_kubelet) == 1);
  checkpoint.starts.clear();
  REQUIRE(save(checkpoint, machine.files));
  CHECK(poll() == Verdict::converged);
  CHECK(machine.services.calls.empty());
  // What it did note holds.
  checkpoint = must(load_checkpoint(machine.files));
  std::string text = to_json(checkpoint);
  const std::string process = checkpoint.starts[edited_kubelet].process;
  text.insert(1, fmt::format(R"("changedStarts":{{"{}":{{"process":"{}","what":"{}"}}}},)",
                             edited_kubelet, process, edited_yaml));
  text.replace(text.find("\"starts\""), 8, "\"begun\"");
  machine.files.put(paths::checkpoint, text, 0600);
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending == waits_for_restart);
  CHECK(machine.files.text(paths::checkpoint).find("changedStarts") == std::string::npos);
}

TEST_CASE_FIXTURE(ChangedStartFixture, "what is re-read is re-read once it is put right") {
  const std::string path = "/etc/muster/kube-api-balancer.cfg";
  edit(path, "global\n");
  CHECK(poll() == Verdict::converged);
  CHECK(machine.services.calls == std::vector<std::string>{"reload kube-api-balancer.service"});
  CHECK(poll() == Verdict::converged);
  CHECK(machine.services.calls.empty());
}

TEST_CASE_FIXTURE(ChangedStartFixture, "it waits on when the document changes and changes back") {
  edit(edited_yaml, "maxPods: 1\n");
  start(78);
  CHECK(poll() == Verdict::pending_changes);
  const NodeDocument before = document;
  document.generation = 2;
  document.config.kubelet.max_pods = 120;
  serve();
  CHECK(poll() == Verdict::pending_changes);
  document = before;
  document.generation = 3;
  serve();
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending == waits_for_restart);
}

TEST_CASE_FIXTURE(ChangedStartFixture,
                  "one whose start failed, and that came up on the new inputs since, is known") {
  machine.clock.sleep(std::chrono::seconds(10));
  machine.files.nodes[edited_yaml].modified_ns =
      machine.clock.now().time_since_epoch() / std::chrono::nanoseconds(1);
  auto checkpoint = must(load_checkpoint(machine.files));
  checkpoint.units[edited_kubelet].configuration.clear();
  checkpoint.manager_inputs.clear();
  REQUIRE(save(checkpoint, machine.files));
  memory = Memory();
  CHECK(poll() == Verdict::pending_changes);
  CHECK(site.reports.back().pending ==
        std::vector<std::string>{"kubelet.service: restart: started with other settings"});
  start(78);
  CHECK(poll() == Verdict::converged);
  CHECK(site.reports.back().pending.empty());
  CHECK(machine.services.calls.empty());
  checkpoint = must(load_checkpoint(machine.files));
  CHECK(checkpoint.units[edited_kubelet].configuration != "");
  CHECK(checkpoint.manager_inputs.size() == 2);
}
