// Releases that are switched with the restart of what uses them, over whole converges.
#include <algorithm>

#include "fakes/reconcile_fixture.hpp"

using namespace muster;

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a newer build of runc is switched in the machine's turn alone") {
  REQUIRE(converge().verdict == Verdict::converged);
  const auto publish = [&](const char* version) {
    for (auto& release : document.config.releases) {
      if (release.name == "runc") release = site.publish("runc", version, {{"bin/runc", version}});
    }
    ++document.generation;
    serve();
  };
  const auto runs = [&] { return machine.files.text("/opt/muster/current/runc/bin/runc"); };
  publish("1.36.3-1");
  machine.services.calls.clear();
  for (int i = 0; i < 2; ++i) {
    const auto waits = converge();
    CHECK(waits.message == "");
    CHECK(waits.verdict == Verdict::pending_changes);
    CHECK(site.reports.back().pending ==
          std::vector<std::string>{"containerd.service: restart: runc is 1.36.3"});
    CHECK(runs() == "runc bytes");
    CHECK(machine.services.calls.empty());
  }
  CHECK(machine.files.text("/opt/muster/releases/runc/1.36.3-1/bin/runc") == "1.36.3-1");

  // It crashes while the change waits, and is started as it was; the change waits on.
  machine.services.active.erase("containerd.service");
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(machine.services.active.count("containerd.service") == 1);
  CHECK(runs() == "runc bytes");
  CHECK(converge().verdict == Verdict::pending_changes);

  // The server goes away with what it has: all that the turn needs is there.
  network.downloads.clear();
  machine.services.calls.clear();
  CHECK(converge(true).verdict == Verdict::converged);
  CHECK(runs() == "1.36.3-1");
  CHECK(network.downloads.empty());
  CHECK(machine.services.calls == std::vector<std::string>{"restart containerd.service"});
  CHECK(converge().verdict == Verdict::converged);
}

TEST_CASE_FIXTURE(ReconcileFixture, "what cannot be brought ahead fails no machine") {
  REQUIRE(converge().verdict == Verdict::converged);
  for (auto& release : document.config.releases) {
    if (release.name == "runc") {
      release.version = "2";
      release.manifest_digest = "sha256:" + std::string(64, '0');
    }
  }
  ++document.generation;
  serve();
  CHECK(converge().verdict == Verdict::pending_changes);
  // It is told, with its cause, and tried again.
  const Report& report = site.reports.back();
  REQUIRE(report.unwell.size() == 1);
  CHECK(report.unwell[0].subject == "releases ahead of their turn");
  CHECK(report.unwell[0].message.starts_with("bring release runc 2 (0.0 MB): release runc 2: "));
  CHECK(report.failure_class.empty());
  CHECK_FALSE(report.refused_document);
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(site.reports.back().unwell[0].message.ends_with("; tried again in 30 s"));
}

TEST_CASE_FIXTURE(ReconcileFixture, "what is reloaded while a restart waits still waits for it") {
  REQUIRE(converge().verdict == Verdict::converged);
  for (auto& release : document.config.releases) {
    if (release.name == "haproxy")
      release = site.publish("haproxy", "1.36.4", {{"bin/haproxy", "h"}});
  }
  document.role.cluster.masters.push_back({"m9", "10.77.0.99"});
  ++document.generation;
  serve();
  const std::vector<std::string> pending = {
      "kube-api-balancer.service: restart: haproxy is 1.36.3"};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(converge().verdict == Verdict::pending_changes);
    CHECK(site.reports.back().pending == pending);
  }
  CHECK(converge(true).verdict == Verdict::converged);
}
