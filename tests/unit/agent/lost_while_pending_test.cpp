// What is lost or damaged while a change waits for the machine's turn comes back as it was, and the
// change waits on.
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

const std::string waiting_yaml = "/etc/kubernetes/kubelet.yaml";
const std::string waiting_kubeconfig = "/etc/kubernetes/kubelet.kubeconfig";
const std::string runc_link = "/opt/muster/current/runc";

struct LostWhilePending : ReconcileFixture {
  std::string settled;
  std::vector<std::string> pending;

  LostWhilePending() {
    REQUIRE(converge().verdict == Verdict::converged);
    settled = machine.files.text(waiting_yaml);
    document.config.kubelet.max_pods = 77;
    for (auto& release : document.config.releases) {
      if (release.name == "runc") release = site.publish("runc", "2", {{"bin/runc", "new runc"}});
    }
    ++document.generation;
    serve();
    poll();
    REQUIRE(machine.files.text(waiting_yaml) == settled);
    pending = site.reports.back().pending;
    REQUIRE(pending.size() == 2);
  }
  void poll() {
    machine.clock.sleep(std::chrono::seconds(60));
    narrated.clear();
    machine.files.changes.clear();
    machine.services.calls.clear();
    CHECK(converge().verdict == Verdict::pending_changes);
    CHECK(machine.services.calls.empty());
  }
};

}  // namespace

TEST_CASE_FIXTURE(LostWhilePending, "a file that waits is written again as it was") {
  for (const std::string damage : {"", "maxPods: 1\n", "gone"}) {
    REQUIRE(machine.files.remove(waiting_yaml));
    if (damage != "gone") machine.files.put(waiting_yaml, damage, 0600);
    poll();
    CHECK(machine.files.text(waiting_yaml) == settled);
    CHECK(must(machine.files.status(waiting_yaml)).mode == 0600);
    CHECK(site.reports.back().pending == pending);
    poll();
    CHECK(changes_outside_state().empty());
  }
  REQUIRE(converge(true).verdict == Verdict::converged);
  CHECK(machine.files.text(waiting_yaml).find("77") != std::string::npos);
}

TEST_CASE_FIXTURE(LostWhilePending,
                  "a file of the same unit that does not change is written again") {
  const std::string before = machine.files.text(waiting_kubeconfig);
  machine.files.put(waiting_kubeconfig, "", 0600);
  poll();
  CHECK(machine.files.text(waiting_kubeconfig) == before);
  CHECK(site.reports.back().pending == pending);
}

TEST_CASE_FIXTURE(LostWhilePending, "a release that waits comes back as it was") {
  const std::string target = must(machine.files.status(runc_link)).link_target;
  REQUIRE(machine.files.remove(runc_link));
  poll();
  CHECK(must(machine.files.status(runc_link)).link_target == target);
  CHECK(machine.files.text(runc_link + "/bin/runc") == "runc bytes");
  REQUIRE(machine.files.link(runc_link, "/root/mine"));
  poll();
  CHECK(must(machine.files.status(runc_link)).link_target == target);
  machine.files.put("/opt/muster/releases/runc/1.36.3/bin/runc", "damaged", 0755);
  poll();
  CHECK(machine.files.text(runc_link + "/bin/runc") == "runc bytes");
  CHECK(site.reports.back().pending == pending);
}

TEST_CASE_FIXTURE(LostWhilePending, "what crashes on what was lost is started as it was") {
  REQUIRE(machine.files.remove(waiting_yaml));
  machine.services.active.erase("kubelet.service");
  machine.clock.sleep(std::chrono::seconds(60));
  machine.services.calls.clear();
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(machine.services.calls == std::vector<std::string>{"start kubelet.service"});
  CHECK(machine.files.text(waiting_yaml) == settled);
  CHECK(site.reports.back().pending == pending);
}
