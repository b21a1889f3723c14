#include "agent/effects/effects.hpp"

#include <doctest/doctest.h>

#include "agent/foundation/images.hpp"
#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"
#include "machine/cni_config.hpp"

using namespace muster;

namespace {

// A machine on which everything is as it should be.
struct EffectsFixture {
  FakeHost machine;
  DesiredState desired;
  Checkpoint checkpoint;
  std::map<std::string, UnitStatus> units;

  EffectsFixture() {
    desired.files = {
        {paths::routes, "10.244.3.0/24 via 10.77.0.13\n10.244.4.0/24 via 10.77.0.14\n"},
        {paths::hosts, "10.77.0.13 n3\n10.77.0.14 n4\n"},
        {paths::masquerade, "table ip muster\n"}};
    for (const auto& file : desired.files) machine.files.put(file.path, file.content);
    machine.set_up_routes();
    note("sha256:made", "run1");
    see("sha256:made run1\n", "sha256:made");
  }
  void note(const std::string& digest, const std::string& run) {
    machine.files.put(paths::masquerade_note, digest + " " + run + "\n");
  }
  void see(std::string noted, const std::string& found) {
    if (!noted.empty() && noted.back() == '\n') noted.replace(noted.size() - 1, 1, "\\n");
    machine.files.put("/run/muster-monitor/network.json",
                      R"({"at":5,"noted":")" + noted + R"(","found":")" + found + R"("})");
  }
  Effects effects() { return observe_effects({machine.host, desired, checkpoint, units}); }
  std::string undone(const std::string& unit = "muster-routes.service") {
    const auto undone = effects().undone;
    const auto found = undone.find(unit);
    return found == undone.end() ? "" : in_short(found->second);
  }
  std::string unwell() {
    std::string text;
    for (const auto& problem : effects().unwell) {
      text += problem.subject + ": " + problem.message + "\n";
    }
    return text;
  }
};

}  // namespace

TEST_CASE_FIXTURE(EffectsFixture, "what is in effect gives no reason") {
  CHECK(undone() == "");
  CHECK(unwell() == "");
  CHECK(machine.process.runs.empty());
}

TEST_CASE_FIXTURE(EffectsFixture, "routes are compared with what the kernel has") {
  machine.routes.there.erase("10.244.3.0/24");
  CHECK(undone() == "route 10.244.3.0/24: missing");
  machine.routes.there["10.244.3.0/24"] = "10.77.0.99";
  CHECK(undone() == "route 10.244.3.0/24: via '10.77.0.99', expected 10.77.0.13");
  machine.routes.there["10.244.3.0/24"] = "10.77.0.13";
  machine.routes.there["10.244.9.0/24"] = "10.77.0.13";
  CHECK(undone() == "route 10.244.9.0/24: no longer wanted");
}

TEST_CASE_FIXTURE(EffectsFixture, "the way to the machine's own pods is the kernel's own route") {
  NodeDocument document;
  document.role.pod_cidr = "10.244.7.0/24";
  desired.files.push_back({paths::cni_config, cni_config(document)});
  // Before the first pod there is no bridge.
  CHECK(undone() + unwell() == "");
  checkpoint.node = "n1";
  machine.files.put("/sys/class/net/veth12ab/flags", "0x1003\n");
  CHECK(
      unwell() ==
      "link cni0: 1 pods of this machine are cut off: their links are in no bridge, since it was deleted under them; delete those pods, as by kubectl delete pods --all-namespaces --field-selector spec.nodeName=n1\n");
  machine.files.put("/sys/class/net/veth12ab/master", "");
  CHECK(unwell() == "");
  machine.set_up_bridge("10.244.7.0/24", "10.244.7.1");
  CHECK(undone() + unwell() == "");
  auto& bridge = machine.routes.kernel["cni0"];
  bridge.connected.clear();
  CHECK(undone() == "route 10.244.7.0/24 dev cni0: missing");
  bridge.connected["10.244.7.0/24"] = "10.77.0.11";
  CHECK(undone() ==
        "route 10.244.7.0/24 dev cni0: src '10.77.0.11', expected an address of the link");
  CHECK(unwell() == "");
  bridge.connected["10.244.7.0/24"] = "10.244.7.1";
  machine.routes.elsewhere = {"10.244.7.2"};
  CHECK(undone() == "");
  CHECK(
      unwell() ==
      "route 10.244.7.0/24: 10.244.7.2 of this machine's own pods goes elsewhere, expected by cni0; another route or rule stands before the kernel's: find it with `ip route get 10.244.7.2`, `ip route show table all` and `ip rule`, and delete it where it comes from\n");
  bridge = {{"10.77.0.11"}, {}};
  CHECK(undone() == "");
  CHECK(
      unwell() ==
      "link cni0: expected an address in 10.244.7.0/24, found 10.77.0.11; ip address add 10.244.7.1/24 dev cni0 (the next pod that starts here does so too)\n");
  machine.files.put("/sys/class/net/cni0/flags", "0x1002\n");
  CHECK(undone() == "");
  CHECK(
      unwell() ==
      "link cni0: down: expected it up, for this machine's pods in 10.244.7.0/24; ip link set cni0 up (the next pod that starts here does so too)\n");
}

TEST_CASE_FIXTURE(EffectsFixture, "of many missing routes three are named") {
  machine.routes.there.clear();
  desired.files[0].content.clear();
  for (int i = 1; i <= 9; ++i) {
    desired.files[0].content += fmt::format("10.244.{}.0/24 via 10.77.0.13\n", i);
  }
  CHECK(
      undone() ==
      "route 10.244.1.0/24: missing, route 10.244.2.0/24: missing, route 10.244.3.0/24: missing and 6 more");
}

TEST_CASE_FIXTURE(
    EffectsFixture,
    "a gateway that no link leads to is named with its peer, and nothing is restarted") {
  machine.routes.unreachable = {"10.77.0.14"};
  machine.set_up_routes();
  CHECK(undone() == "");
  CHECK(
      unwell() ==
      "route 10.244.4.0/24: missing: expected an address of 'n4' on a network of this machine, found 10.77.0.14; correct the address in the inventory, or this machine's network\n");
  // Beside it another one is put back all the same.
  machine.routes.there.clear();
  CHECK(undone() == "route 10.244.3.0/24: missing");
}

TEST_CASE_FIXTURE(EffectsFixture,
                  "a link that is down names some of its routes and counts the rest") {
  machine.routes.unreachable = {"10.77.0.13"};
  machine.routes.there.clear();
  desired.files[0].content.clear();
  for (int i = 0; i < 200; ++i) {
    desired.files[0].content += fmt::format("10.244.{}.0/24 via 10.77.0.13\n", i);
  }
  const auto effects = this->effects();
  REQUIRE(effects.unwell.size() == 17);
  CHECK(effects.unwell[16].subject == "routes");
  CHECK(effects.unwell[16].message ==
        "184 more with a gateway that no link of this machine leads to");
  CHECK(effects.undone.empty());
}

TEST_CASE_FIXTURE(EffectsFixture, "of two rows for one network the last one counts") {
  desired.files[0].content += "10.244.3.0/24 via 10.77.0.15\n";
  CHECK(undone() == "route 10.244.3.0/24: via '10.77.0.13', expected 10.77.0.15");
}

TEST_CASE_FIXTURE(EffectsFixture, "the masquerading table is what its unit made of it") {
  see("sha256:made run1\n", "");
  CHECK(undone() == "table ip muster: missing");
  see("sha256:made run1\n", "sha256:other");
  CHECK(undone() == "table ip muster: changed");
  // A look from before the unit ran again says nothing of what it made then.
  note("sha256:made", "run2");
  CHECK(undone() == "");
  see("sha256:made run2\n", "sha256:other");
  CHECK(undone() == "table ip muster: changed");
  REQUIRE(machine.files.remove(paths::masquerade_note));
  CHECK(undone() == "table ip muster: nobody noted how it was made");
  // Where nobody looks, nothing is known; where none is wanted, nothing is missed.
  REQUIRE(machine.files.remove("/run/muster-monitor/network.json"));
  CHECK(undone() == "");
  see("", "");
  desired.files.pop_back();
  CHECK(undone() == "");
}

TEST_CASE_FIXTURE(EffectsFixture, "the peers' names in /etc/hosts are looked at, not others") {
  machine.files.put("/etc/hosts", "127.0.0.1 localhost\n");
  CHECK(undone() == "/etc/hosts: the peers' names differ");
  machine.files.put("/etc/hosts", "# muster begin\n10.77.0.13 n3\n10.77.0.14 n4\n# muster end\n");
  CHECK(undone() == "/etc/hosts: the peers' names differ");
  machine.files.put("/etc/hosts", "127.0.0.1 localhost\n");
  machine.set_up_routes();
  machine.files.put("/etc/hosts", machine.files.text("/etc/hosts") + "10.0.0.9 printer\n");
  CHECK(undone() == "");
  REQUIRE(machine.files.remove("/etc/hosts"));
  CHECK(undone() == "'/etc/hosts': no such file");
  desired.files[1].content = "";
  machine.files.put("/etc/hosts", "127.0.0.1 localhost\n");
  CHECK(undone() == "");
}

TEST_CASE_FIXTURE(EffectsFixture, "what a monitor found is told while it finds it") {
  const std::string path = "/run/muster-monitor/runtime.json";
  machine.files.put(
      path,
      R"({"at":5,"unit":"containerd.service","healthy":false,"restarts":1,"message":"it hangs"})");
  CHECK(unwell() == "unit containerd.service: it hangs\n");
  machine.files.put(
      path, R"({"at":5,"unit":"containerd.service","healthy":true,"restarts":1,"message":""})");
  CHECK(unwell() == "");
  for (const char* damaged : {"", "{", "[]", R"({"at":5,"healthy":"no"})"}) {
    machine.files.put(path, damaged);
    CHECK(unwell() == "");
  }
}

TEST_CASE_FIXTURE(EffectsFixture, "what a monitor found long ago is not believed") {
  see("sha256:made run1\n", "");
  CHECK(undone() == "table ip muster: missing");
  machine.clock.boot_time += std::chrono::seconds(30);
  CHECK(undone() == "table ip muster: missing");
  machine.clock.boot_time += std::chrono::seconds(1);
  CHECK(undone() == "");
  machine.files.put("/run/muster-monitor/kubelet.json",
                    R"({"at":5,"unit":"kubelet.service","healthy":false,"message":"it hangs"})");
  CHECK(unwell() == "unit kubelet.service: it hangs\n");
  machine.clock.boot_time += std::chrono::seconds(170);
  CHECK(unwell() == "");
}

TEST_CASE_FIXTURE(EffectsFixture,
                  "a monitor that does not watch is known by its unit or its silence") {
  const std::string unit = "muster-kubelet-monitor.service";
  const auto lapse = [&] {
    const auto lapsed = effects().lapsed;
    return lapsed.count(unit) > 0 ? lapsed.at(unit) : std::string();
  };
  const auto find = [&](const std::string& found) {
    machine.files.put("/run/muster-monitor/kubelet.json", found);
  };
  units[unit].active_state = "active";
  CHECK(lapse() == "it runs and tells nothing");
  find(R"({"at":5,"healthy":true})");
  CHECK(lapse() == "");
  machine.clock.boot_time += std::chrono::seconds(200);
  CHECK(lapse() == "");
  machine.clock.boot_time += std::chrono::seconds(1);
  CHECK(lapse() == "what it tells is 201 s old, expected at most 200 s");
  // Of the one before it, which was stopped: the one that runs has not told anything yet.
  units[unit].main_pid = 77;
  machine.files.put("/proc/77/stat", "77 (m) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 600 313\n");
  CHECK(lapse() == "");
  machine.files.put("/proc/77/stat", "77 (m) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 500 313\n");
  CHECK(lapse() == "what it tells is 201 s old, expected at most 200 s");
  // Of an older agent's monitor, of one that dates it from the future, and damaged.
  for (const char* undated :
       {R"({"healthy":true})", R"({"at":900,"healthy":true})", R"({"at":"now"})"}) {
    find(undated);
    CHECK(lapse() == "what it tells says not when it was found");
  }
  find("{");
  CHECK(lapse() == "it runs and tells nothing");
  // It tells nothing before it is up, which is no finding.
  for (const char* state : {"activating", "deactivating"}) {
    units[unit].active_state = state;
    CHECK(lapse() == "");
  }
  units[unit].active_state = "inactive";
  CHECK(lapse() == "stopped");
  units[unit].active_state = "failed";
  CHECK(lapse() == "failed; journalctl -u muster-kubelet-monitor.service -b");
  units.clear();
  units["muster-logrotate.timer"].active_state = "active";
  CHECK(effects().lapsed.empty());
  units["muster-logrotate.timer"].active_state = "inactive";
  CHECK(effects().lapsed.size() == 1);
}

TEST_CASE_FIXTURE(EffectsFixture, "a route in front of ours is told by where packets go") {
  machine.routes.foreign["10.244.3.1"] = "10.77.0.99";
  const std::string cure =
      "; another route or rule stands before ours: find it with `ip route get ADDRESS`, `ip route show table all` and `ip rule`, and delete it where it comes from\n";
  CHECK(unwell() ==
        "foreign routes: 10.244.3.1 of 'n3' goes via 10.77.0.99, expected via 10.77.0.13" + cure);
  CHECK(undone() == "");
  machine.routes.foreign["10.244.3.1"] = "";
  CHECK(unwell() ==
        "foreign routes: 10.244.3.1 of 'n3' goes elsewhere, expected via 10.77.0.13" + cure);
  // A route that is missing is put back, and says enough.
  machine.routes.there.erase("10.244.3.0/24");
  CHECK(unwell() == "");
}

TEST_CASE("an image is there when each of its manifests is, and only then") {
  FakeHost machine;
  const auto manifests =
      import_image(machine.process, {"/opt/pause.tar", "sha256:archive"}, std::chrono::seconds(1));
  REQUIRE(manifests);
  REQUIRE(manifests->size() == 1);
  CHECK(has_manifests(machine.files, *manifests));
  auto& runs = machine.process.runs;
  REQUIRE(runs.size() == 2);
  const std::vector<std::string> labels(runs[0].end() - 5, runs[0].end());
  CHECK(labels == std::vector<std::string>{"--label", "io.cri-containerd.pinned=pinned", "--label",
                                           "muster.archive=sha256:archive", "/opt/pause.tar"});
  CHECK(runs[1].back() == R"(labels."muster.archive"=="sha256:archive")");
  CHECK_FALSE(has_manifests(machine.files, {}));
  auto more = *manifests;
  more.insert("sha256:" + std::string(64, '0'));
  CHECK_FALSE(has_manifests(machine.files, more));
  REQUIRE(machine.files.remove(FakeHost::blob_path(*manifests->begin())));
  CHECK_FALSE(has_manifests(machine.files, *manifests));
}

TEST_CASE("an import that containerd does not list afterwards has failed") {
  FakeHost machine;
  const ImportImage image{"/opt/pause.tar", "sha256:archive"};
  machine.process.answer = [](const ProcessRequest&) {
    return ProcessOutcome{0, "REF TYPE\n", ""};
  };
  const auto unlisted = import_image(machine.process, image, std::chrono::seconds(1));
  REQUIRE_FALSE(unlisted);
  CHECK(
      unlisted.error().message ==
      "importing image '/opt/pause.tar': expected images with names in the archive, found none in containerd afterwards");
  machine.process.answer = [](const ProcessRequest&) { return ProcessOutcome{1, "", "no space"}; };
  const auto refused = import_image(machine.process, image, std::chrono::seconds(1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "importing image '/opt/pause.tar': ctr ended with 1: no space");
}
