// What only a machine's next boot puts into effect, over whole converges.
#include "agent/goodbye.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

struct NetbootedFixture : ReconcileFixture {
  NetbootedFixture() {
    document.config.netboot =
        ReleaseReference{"image-tower", "2", "sha256:" + std::string(64, '0'), 1};
    document.config.kernel.arguments = {"hugepages=4"};
    start_by("hugepages=4 muster.image=image-tower/2");
    serve();
  }
  void start_by(const std::string& line) { machine.files.put("/proc/cmdline", line + "\n"); }
};

}  // namespace

TEST_CASE_FIXTURE(NetbootedFixture, "another command line waits for the next boot, and is told") {
  REQUIRE(converge().verdict == Verdict::converged);
  document.config.kernel.arguments = {"hugepages=8"};
  ++document.generation;
  serve();
  machine.services.calls.clear();
  // A turn cannot do it.
  for (const bool is_ordered : {false, true, false}) {
    CHECK(converge(is_ordered).verdict == Verdict::pending_changes);
    const Report& told = site.reports.back();
    CHECK(told.pending == std::vector<std::string>{"kernel: at its next boot: hugepages=8"});
    CHECK(told.pending_digest == told.fetched_digest);
  }
  CHECK(machine.services.calls.empty());
  reboot("boot-2");
  start_by("hugepages=8 muster.image=image-tower/2");
  CHECK(converge().verdict == Verdict::converged);
  CHECK(site.reports.back().pending.empty());
  CHECK(site.reports.back().pending_digest.empty());
}

TEST_CASE_FIXTURE(NetbootedFixture, "a netbooted machine says so, and says goodbye") {
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(site.reports.back().boot_image == "image-tower/2");
  CHECK_FALSE(site.reports.back().is_stopping);
  const Narrate narrate = [this](std::string_view line) { narrated.emplace_back(line); };
  CHECK(say_goodbye(machine.host, network, settings, narrate));
  CHECK(narrated.back() == "the server was told that this machine goes down");
  const Report& last = site.reports.back();
  CHECK(last.is_stopping);
  CHECK(last.boot_image == "image-tower/2");
  CHECK(last.boot_id == "boot-1");
  CHECK(last.verdict == Verdict::converged);
  // One that starts from its disk has nothing to say.
  start_by("root=/dev/sda1 quiet");
  site.reports.clear();
  CHECK_FALSE(say_goodbye(machine.host, network, settings, narrate));
  CHECK(site.reports.empty());
}

TEST_CASE_FIXTURE(NetbootedFixture,
                  "a machine that came up by another image settles on its document all the same") {
  start_by("hugepages=4 muster.image=image-tower/1");
  CHECK(converge().verdict == Verdict::pending_changes);
  CHECK(site.reports.back().pending ==
        std::vector<std::string>{
            "kernel: at its next boot: image image-tower/2 (now image-tower/1)"});
  CHECK(site.reports.back().configuration == Configuration::settled);
  CHECK(site.reports.back().document_digest == site.reports.back().fetched_digest);
  const auto checkpoint = open_state(machine.host, memory, [](std::string_view) {});
  CHECK(checkpoint.settled_document == site.reports.back().fetched_digest);
}
