#include "agent/status.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/kept_status.hpp"
#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

Report failed_report() {
  Report report;
  report.verdict = Verdict::failed;
  report.failure_class = "kubelet";
  report.message = "node is not Ready";
  report.configuration = Configuration::fallen_back;
  report.refused_document = {"sha256:" + std::string(64, 'a'), "kubelet exits"};
  report.unwell = {{"kubelet", "NotReady", 1'794'999'000}};
  report.failure = {"kubelet.service", {"one", "two\x1b[2J"}, "correct it"};
  report.phases = {{"fetch", 1, 2, ""}};
  return report;
}

}  // namespace

TEST_CASE("status shows both judgements and why, escaped") {
  FakeHost machine;
  keep_status(failed_report(), machine.files);
  machine.files.put(paths::waiting, "muster: waiting for approval\n\n");
  Checkpoint checkpoint;
  checkpoint.last_verdict = "failed";
  checkpoint.last_message = "first\nsecond";
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(
      status_text(machine.host, checkpoint, {}) ==
      "waits        waiting for approval\n"
      "node         none\n"
      "cluster      none\n"
      "verdict      failed\n"
      "             first\n"
      "             second\n"
      "in short     failed (kubelet): node is not Ready, fallen back from sha256:aaaaaaaaaaaa: kubelet exits, unwell since 10:50 UTC: kubelet NotReady\n"
      "configured   fallen-back\n"
      "refused      " +
          digest +
          ": kubelet exits\n"
          "unwell       kubelet NotReady\n"
          "failed unit  kubelet.service\n"
          "its log      one\n"
          "its log      two\\x1b[2J\n"
          "cure         correct it\n"
          "generation   0\n"
          "document     none\n"
          "this boot    converged\n");
  const auto json = nlohmann::json::parse(status_json(machine.host, checkpoint, {}));
  CHECK(json["waitsFor"] == "waiting for approval");
  CHECK(json["report"]["configuration"] == "fallen-back");
  CHECK(json["report"]["failure"]["log"][0] == "one");
}

TEST_CASE("what is kept of a report is written when it changed, and only then") {
  FakeHost machine;
  Report report = failed_report();
  keep_status(report, machine.files);
  const std::size_t changes = machine.files.changes.size();
  report.counter = 9;
  report.sent_at = 9;
  report.phases.clear();
  keep_status(report, machine.files);
  CHECK(machine.files.changes.size() == changes);
  report.unwell.clear();
  keep_status(report, machine.files);
  CHECK(machine.files.changes.size() == changes + 1);
  CHECK(kept_status(machine.files)->unwell.empty());
  CHECK(machine.files.nodes[paths::kept_status].mode == 0600);
  machine.files.put(paths::kept_status, "no JSON");
  CHECK_FALSE(kept_status(machine.files));
}
