#include "agent/reconcile.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/paths.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a new machine becomes a node, and the second converge changes nothing") {
  const auto first = converge();
  CHECK(first.message == "");
  REQUIRE(first.verdict == Verdict::converged);
  CHECK(first.changed);
  CHECK(machine.services.active.count("kubelet.service") == 1);
  CHECK(machine.files.text("/opt/muster/current/containerd/bin/containerd") == "containerd bytes");
  CHECK(site.reports.back().verdict == Verdict::converged);
  CHECK(site.reports.back().generation == 1);
  CHECK_FALSE(changes_outside_state().empty());
  machine.services.calls.clear();
  machine.process.runs.clear();
  network.downloads.clear();

  const auto second = converge();
  CHECK(second.verdict == Verdict::converged);
  CHECK_FALSE(second.changed);
  CHECK(changes_outside_state().empty());
  CHECK(machine.services.calls.empty());
  CHECK(machine.process.runs.empty());
  CHECK(network.downloads.empty());
}

TEST_CASE_FIXTURE(ReconcileFixture, "a poll without news writes nothing at all") {
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE(converge().verdict == Verdict::converged);
  machine.files.changes.clear();
  for (int minute = 0; minute < 30; ++minute) {
    machine.clock.sleep(std::chrono::seconds(60));
    REQUIRE(converge().verdict == Verdict::converged);
  }
  CHECK(machine.files.changes == std::vector<std::string>{});
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "the first boot of an image with stamps hashes and downloads nothing") {
  REQUIRE(converge().verdict == Verdict::converged);
  const auto checkpoint = nlohmann::json::parse(machine.files.text(paths::checkpoint));
  const nlohmann::json carried = {{"version", "1"}, {"releases", checkpoint["releases"]}};
  REQUIRE(machine.files.remove(paths::state));
  machine.files.put(paths::carried_releases, carried.dump());
  reboot("boot-2");
  network.downloads.clear();
  machine.files.digested.clear();
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(network.downloads.empty());
  CHECK(machine.files.digested.empty());
  for (const auto& phase : site.reports.back().phases) CHECK(phase.name != "releases");
}

TEST_CASE_FIXTURE(ReconcileFixture, "a reboot starts the units and writes nothing") {
  REQUIRE(converge().verdict == Verdict::converged);
  reboot("boot-2");
  changes_outside_state();
  machine.services.calls.clear();
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(changes_outside_state().empty());
  REQUIRE(machine.services.calls.size() == 1);
  CHECK(machine.services.calls[0].rfind("start ", 0) == 0);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a reboot with the server dead comes back from the cache and says so") {
  REQUIRE(converge().verdict == Verdict::converged);
  reboot("boot-2");
  site.is_away = true;
  const auto outcome = converge();
  CHECK(outcome.message == "");
  CHECK(outcome.verdict == Verdict::converged);
  CHECK(outcome.fetched.offline);
  const std::string away =
      "the server is away, and the last good document holds: https://10.0.0.254:8444: connection refused";
  CHECK(std::count(narrated.begin(), narrated.end(), away) == 1);
  CHECK(machine.services.active.count("kubelet.service") == 1);
  // The server hears of it when it is back, in order.
  site.reports.clear();
  site.is_away = false;
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE(site.reports.size() >= 2);
  CHECK(site.reports[0].counter < site.reports.back().counter);
  bool has_offline = false;
  for (const auto& report : site.reports) has_offline = has_offline || report.offline;
  CHECK(has_offline);
}

TEST_CASE_FIXTURE(ReconcileFixture, "a cache that is older than the policy allows is not used") {
  settings.maximum_cache_age_days = 2;
  REQUIRE(converge().verdict == Verdict::converged);
  machine.clock.sleep(std::chrono::hours(24 * 4));
  site.is_away = true;
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a kubelet setting waits on a running machine and is applied in its turn") {
  REQUIRE(converge().verdict == Verdict::converged);
  document.generation = 2;
  document.config.kubelet.max_pods = 120;
  serve();
  changes_outside_state();
  const auto pending = converge();
  CHECK(pending.verdict == Verdict::pending_changes);
  CHECK(changes_outside_state().empty());
  REQUIRE(site.reports.back().pending.size() == 1);
  CHECK(site.reports.back().pending[0].rfind("kubelet.service: restart: ", 0) == 0);
  machine.services.calls.clear();
  // The Node's last status is from before the restart, and kubelet never reports again.
  site.status_age = std::chrono::hours(1);
  const auto silent = converge(true);
  CHECK(silent.verdict == Verdict::failed);
  CHECK(silent.message == "node is not Ready: kubelet has not reported yet");
  CHECK(converge(true).verdict == Verdict::failed);
  site.status_age = std::chrono::hours(0);
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK(machine.services.calls.back() == "restart kubelet.service");
  CHECK(machine.files.text("/etc/kubernetes/kubelet.yaml").find("maxPods: 120") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "an older document is refused, the last good one stays in force") {
  document.generation = 3;
  serve();
  REQUIRE(converge().verdict == Verdict::converged);
  document.generation = 2;
  serve();
  reboot("boot-2");
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(outcome.failure == FailureClass::document);
  CHECK(outcome.message.find("expected 3 or later, found 2") != std::string::npos);
  CHECK(outcome.fetched.document.generation == 3);
  CHECK(machine.services.active.count("kubelet.service") == 1);
  CHECK(site.reports.back().verdict == Verdict::failed);
}

TEST_CASE_FIXTURE(ReconcileFixture, "a wrong clock is said before anything is written") {
  site.clock_offset = 3600;
  const auto outcome = converge();
  CHECK(outcome.failure == FailureClass::clock);
  CHECK(
      outcome.message ==
      "clock: expected within 30 s of the server's, found 3600 s behind; set it (timedatectl set-ntp true, or the firmware's clock) and converge again");
  CHECK(changes_outside_state().empty());
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a clock that makes the identity look expired is a wrong clock, and reported") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.clock.sleep(std::chrono::hours(24 * 30));
  site.clock_offset = -24 * 30 * 3600;
  site.asked.clear();
  const auto outcome = converge();
  CHECK(outcome.message == "");
  CHECK(site.asked.empty());
  REQUIRE_FALSE(site.reports.back().unwell.empty());
  CHECK(site.reports.back().unwell[0].message.find("found 2592000 s ahead") != std::string::npos);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a reboot after half of the certificates' life, with the server dead") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.clock.sleep(std::chrono::hours(13));  // of 24
  reboot("boot-2");
  site.is_away = true;
  const auto outcome = converge();
  CHECK(outcome.message == "");
  CHECK(outcome.verdict == Verdict::converged);
  CHECK(machine.services.active.count("kubelet.service") == 1);
  const std::string note =
      "certificates not renewed: the server is away, and certificates must be fetched from it: https://10.0.0.254:8444: connection refused";
  CHECK(std::count(narrated.begin(), narrated.end(), note) > 0);
  // What has expired is no certificate: this one says so.
  machine.clock.sleep(std::chrono::hours(12));
  reboot("boot-3");
  CHECK(converge().failure == FailureClass::network);
}

TEST_CASE_FIXTURE(ReconcileFixture, "a wrong NIC is said within seconds, and nothing is changed") {
  network.address = "10.0.0.99";
  const auto began = machine.clock.now();
  const auto outcome = converge();
  CHECK(outcome.failure == FailureClass::network);
  CHECK(outcome.message.find("found eth0 52:54:00:00:00:01 [10.0.0.99]") != std::string::npos);
  CHECK(machine.clock.now() - began < std::chrono::seconds(10));
  CHECK(site.reports.back().message == outcome.message);
  CHECK(changes_outside_state().empty());
}

TEST_CASE_FIXTURE(ReconcileFixture, "a NIC that loses its address makes a running machine unwell") {
  REQUIRE(converge().verdict == Verdict::converged);
  static_cast<void>(changes_outside_state());
  network.address = "10.0.0.99";
  CHECK(converge().verdict == Verdict::converged);
  REQUIRE(site.reports.back().unwell.size() == 1);
  CHECK(site.reports.back().unwell[0].subject == "machine");
  CHECK(site.reports.back().unwell[0].message.find("found eth0 52:54:00:00:00:01 [10.0.0.99]") !=
        std::string::npos);
  CHECK(changes_outside_state().empty());
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "an address that comes late is waited for, not taken for a dead server") {
  REQUIRE(converge().verdict == Verdict::converged);
  reboot("boot-2");
  network.address_at = machine.clock.since_boot() + std::chrono::seconds(8);
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::converged);
  CHECK_FALSE(outcome.fetched.offline);
  const auto& phases = site.reports.back().phases;
  REQUIRE(phases.size() > 3);
  CHECK(phases[2].name == "network");
  CHECK(phases[2].end_us - phases[2].start_us >= 8'000'000);
  CHECK(phases[3].name == "fetch");
}

TEST_CASE_FIXTURE(ReconcileFixture, "a unit that fails is named with its class and its log") {
  machine.services.broken.insert("kubelet.service");
  const auto outcome = converge();
  CHECK(outcome.failure == FailureClass::kubelet);
  CHECK(outcome.message.find(
            "unit 'kubelet.service': job ended 'failed'; journalctl -u kubelet.service -b") !=
        std::string::npos);
  CHECK(site.reports.back().failure_class == "kubelet");
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "what fell out of effect is put back, and nothing else is done") {
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE_FALSE(machine.routes.there.empty());
  const auto routes = machine.routes.there;
  machine.services.calls.clear();
  machine.routes.there.clear();
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(machine.routes.there == routes);
  CHECK(machine.services.calls == std::vector<std::string>{"restart muster-routes.service"});

  machine.services.calls.clear();
  machine.process.runs.clear();
  const auto checkpoint = must(load_checkpoint(machine.files));
  REQUIRE(checkpoint.images.size() == 1);
  const std::string manifest = *checkpoint.images.begin()->second.begin();
  REQUIRE(machine.files.remove(FakeHost::blob_path(manifest)));
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(machine.files.has(FakeHost::blob_path(manifest)));
  CHECK(machine.process.runs.size() == 2);
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(machine.process.runs.size() == 2);
  CHECK(machine.services.calls.empty());
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "images whose manifests an older agent did not note come again") {
  REQUIRE(converge().verdict == Verdict::converged);
  auto old = nlohmann::json::parse(machine.files.text(paths::checkpoint));
  REQUIRE(old.erase("imageManifests") == 1);
  machine.files.put(paths::checkpoint, old.dump(), 0600);
  machine.process.runs.clear();
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(machine.process.runs.size() == 2);
}

TEST_CASE_FIXTURE(ReconcileFixture, "a unit that fails is told with its log, in the report too") {
  machine.services.broken = {"kubelet.service"};
  machine.journal.lines["kubelet.service"] = {"unknown field x"};
  CHECK(converge().failure == FailureClass::kubelet);
  const Report& report = site.reports.back();
  REQUIRE(report.failure);
  CHECK(report.failure->unit == "kubelet.service");
  CHECK(report.failure->log == std::vector<std::string>{"unknown field x"});
  machine.services.broken.clear();
  CHECK(converge().verdict == Verdict::converged);
  CHECK_FALSE(site.reports.back().failure);
}

TEST_CASE_FIXTURE(ReconcileFixture, "a step that brings several releases names each") {
  REQUIRE(converge().verdict == Verdict::converged);
  std::string detail;
  for (const auto& phase : site.reports.back().phases) {
    if (phase.name == "releases") detail = phase.detail;
  }
  CHECK(detail.rfind("bring containerd 1.36.3, runc 1.36.3, cni-plugins 1.36.3, ", 0) == 0);
}

TEST_CASE_FIXTURE(ReconcileFixture, "a poll that finds nothing new has no line in the journal") {
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE(converge().verdict == Verdict::converged);
  narrated.clear();
  CHECK(converge().verdict == Verdict::converged);
  CHECK(narrated.empty());
  site.is_node_ready = false;
  CHECK(converge().verdict == Verdict::converged);
  CHECK(narrated == std::vector<std::string>{"unwell: kubelet: node is not Ready: R: M"});
  narrated.clear();
  site.is_away = true;
  for (int polls = 0; polls < 3; ++polls) converge();
  const auto away = [](const auto& line) { return line.starts_with("the server is away"); };
  CHECK(std::count_if(narrated.begin(), narrated.end(), away) == 1);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a person's run waits a minute for an API server that is silent") {
  REQUIRE(converge().verdict == Verdict::converged);
  document.config.kubelet.max_pods = 120;
  ++document.generation;
  serve();
  memory = Memory();
  network.api_at = std::chrono::hours(1);
  const auto before = machine.clock.since_boot();
  CHECK(converge(true).failure == FailureClass::api);
  CHECK(machine.clock.since_boot() - before < std::chrono::seconds(70));
}
