// A server that answers wrongly is no worse than one that is silent: a machine that was let in goes
// on by what it has verified, and says what is wrong.
#include "agent/session/kept_copy.hpp"
#include "agent/tell_once.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

struct LetIn : ReconcileFixture {
  LetIn() {
    REQUIRE(converge().verdict == Verdict::converged);
    changes_outside_state();
    site.reports.clear();
  }

  // "subject: message" of each, as the machine itself tells it.
  [[nodiscard]] std::vector<std::string> unwell() const {
    std::vector<std::string> rows;
    const auto report = must(parse_report(machine.files.text(paths::kept_status)));
    for (const auto& problem : report.unwell)
      rows.push_back(problem.subject + ": " + problem.message);
    return rows;
  }

  void publish_newer() {
    document.generation = 2;
    document.config.kernel.sysctl["vm.swappiness"] = "1";
    serve();
  }
};

using Rows = std::vector<std::string>;

const char* const clock_text =
    "clock: clock: expected within 30 s of the server's, found 45 s behind; set it (timedatectl set-ntp true, or the firmware's clock) and converge again";

}  // namespace

TEST_CASE_FIXTURE(LetIn, "two clocks that differ are told, and end nothing that goes on by them") {
  site.clock_offset = 45;
  publish_newer();
  auto outcome = converge();
  CHECK(outcome.verdict == Verdict::converged);
  CHECK(outcome.fetched.document.generation == 2);
  CHECK(unwell() == Rows{clock_text});
  CHECK(site.reports.back().unwell.size() == 1);
  reboot("boot-2");
  outcome = converge();
  CHECK(outcome.verdict == Verdict::converged);
  CHECK(machine.services.active.count("kubelet.service") == 1);
  site.clock_offset = 0;
  CHECK(converge().verdict == Verdict::converged);
  CHECK(unwell().empty());
}

TEST_CASE_FIXTURE(LetIn, "a server that has an older trust list is still the site's") {
  site.trust_version = 7;
  REQUIRE(converge().verdict == Verdict::converged);
  site.trust_version = 3;
  publish_newer();
  for (const char* boot : {"boot-1", "boot-2"}) {
    if (std::string_view(boot) == "boot-2") reboot(boot);
    const auto outcome = converge();
    CHECK(outcome.verdict == Verdict::converged);
    CHECK(outcome.fetched.document.generation == 2);
    CHECK(
        unwell() ==
        Rows{
            "trust: trust list: expected version 7 or newer, which this machine has seen before, found 3"});
    CHECK(must(load_checkpoint(machine.files)).trust_version == 7);
  }
}

TEST_CASE_FIXTURE(LetIn, "a stranger at the server's address has no say, not even in a boot") {
  site.is_stranger = true;
  publish_newer();
  for (const char* boot : {"boot-1", "boot-2"}) {
    if (std::string_view(boot) == "boot-2") reboot(boot);
    machine.files.nodes.erase(paths::routes);
    const auto outcome = converge();
    CHECK(outcome.verdict == Verdict::converged);
    CHECK(outcome.refused.empty());
    CHECK(outcome.fetched.offline);
    CHECK(outcome.fetched.document.generation == 1);
    CHECK(machine.files.text(paths::routes) != "");
    CHECK(machine.services.active.count("kubelet.service") == 1);
    REQUIRE(unwell().size() == 1);
    CHECK(
        unwell()[0].starts_with("server: trust list: expected one signed by the pinned site key"));
    CHECK(site.reports.empty());
  }
}

TEST_CASE_FIXTURE(LetIn, "a server that has forgotten the machine does not stop it") {
  site.is_forgetful = true;
  for (const char* boot : {"boot-1", "boot-2"}) {
    if (std::string_view(boot) == "boot-2") reboot(boot);
    const auto outcome = converge();
    CHECK(outcome.verdict == Verdict::converged);
    CHECK(outcome.refused == "identity: no machine of this site has it");
    CHECK(machine.services.active.count("kubelet.service") == 1);
    CHECK(unwell() == Rows{"server: identity: no machine of this site has it"});
  }
}

TEST_CASE_FIXTURE(LetIn, "what runs on a machine that is banned now is kept in order") {
  site.is_banned = true;
  machine.files.nodes.erase(paths::routes);
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::converged);
  CHECK(outcome.refused == "machine 'lab/n1' is banned");
  CHECK(machine.files.text(paths::routes) != "");
  CHECK(unwell() == Rows{"server: machine 'lab/n1' is banned"});
}

TEST_CASE_FIXTURE(LetIn, "a clock is waited for in a boot, since it may be set; then it goes on") {
  site.clock_offset = 24 * 30 * 3600;
  reboot("boot-2");
  const auto began = machine.clock.since_boot();
  CHECK(converge().verdict == Verdict::converged);
  CHECK(machine.clock.since_boot() - began >= clock_patience);
  CHECK(
      unwell() ==
      Rows{
          "clock: clock: expected within 30 s of the server's, found 2592000 s behind; set it (timedatectl set-ntp true, or the firmware's clock) and converge again"});
  REQUIRE_FALSE(site.reports.empty());
  CHECK(site.reports.back().unwell[0].subject == "clock");
  const auto later = machine.clock.since_boot();
  CHECK(converge().verdict == Verdict::converged);
  CHECK(machine.clock.since_boot() - later < clock_patience);
}

TEST_CASE_FIXTURE(LetIn,
                  "what no certificate is left for is told with the clock that is the cause") {
  machine.clock.sleep(std::chrono::hours(24 * 30));
  site.clock_offset = -24 * 30 * 3600;
  reboot("boot-2");
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(
      outcome.message.find(
          "the server is away, and certificates must be fetched from it: clock: expected within 30 s of the server's, found 2592000 s ahead") !=
      std::string::npos);
}

TEST_CASE_FIXTURE(LetIn, "a machine that is taken apart says so, and nothing else of before") {
  REQUIRE(converge().verdict == Verdict::converged);
  CHECK(site.reports.back().peers_generation == 1);
  site.reports.clear();
  Memory none;
  REQUIRE(tell_once(machine.host, network, settings, none, as_reset));
  REQUIRE(site.reports.size() == 1);
  const Report& told = site.reports.back();
  CHECK(told.was_reset);
  CHECK(told.verdict == Verdict::converging);
  CHECK(told.document_digest == "");
  CHECK(told.machine_id != "");
  CHECK(told.boot_id == "boot-1");
  CHECK_FALSE(told.configuration);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a machine that nothing has settled on stops at a wrong clock") {
  site.is_node_ready = false;
  REQUIRE(converge().verdict == Verdict::failed);
  REQUIRE(machine.files.has(paths::document_cache));
  site.clock_offset = 300;
  for (const char* boot : {"boot-1", "boot-2"}) {
    if (std::string_view(boot) == "boot-2") reboot(boot);
    const auto outcome = converge();
    CHECK(outcome.failure == FailureClass::clock);
    CHECK(outcome.message.starts_with("clock: expected within 30 s of the server's, found 300 s"));
  }
}

namespace {

struct TrustLost : LetIn {
  TrustLost() { lose_trust(); }
  void lose_trust() {
    REQUIRE(machine.files.remove(paths::trust_cache));
    REQUIRE(machine.files.remove(copy_of(paths::trust_cache)));
  }
  [[nodiscard]] static std::string lost(const std::string& why) {
    return "trust: no trust list is left, neither /var/lib/muster/cache/trust.json nor /var/lib/muster/copies/trust.json, and the server gave none: " +
           why +
           "; what this machine has verified before goes on; bring the server back, or copy /var/lib/muster/cache/trust.json from another machine of this site";
  }
};

}  // namespace

TEST_CASE_FIXTURE(TrustLost,
                  "without a trust list what was verified before goes on, boots included") {
  site.is_away = true;
  publish_newer();
  for (const char* boot : {"boot-1", "boot-2"}) {
    if (std::string_view(boot) == "boot-2") reboot(boot);
    machine.files.nodes.erase(paths::routes);
    const auto outcome = converge();
    CHECK(outcome.verdict == Verdict::converged);
    CHECK(outcome.fetched.document.generation == 1);
    CHECK(machine.files.has(paths::routes));
    CHECK(machine.services.active.count("kubelet.service") == 1);
    CHECK(unwell() == Rows{lost("https://10.0.0.254:8444: connection refused")});
  }
  site.is_away = false;
  CHECK(converge().fetched.document.generation == 2);
  CHECK(unwell().empty());
}

TEST_CASE_FIXTURE(TrustLost, "without a trust list nothing is taken from a stranger") {
  site.is_stranger = true;
  publish_newer();
  reboot("boot-2");
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::converged);
  CHECK(outcome.fetched.document.generation == 1);
  const auto told = unwell();
  CHECK(told.size() == 2);
  CHECK(std::any_of(told.begin(), told.end(), [](const auto& row) {
    return row.starts_with("trust: no trust list is left, neither");
  }));
  CHECK(site.reports.empty());
}

TEST_CASE_FIXTURE(TrustLost,
                  "without a trust list what was not verified before is not gone on by") {
  site.is_away = true;
  publish_newer();
  for (const auto& path : {std::string(paths::document_cache), copy_of(paths::document_cache)}) {
    machine.files.put(path, to_json(site.document_envelope), 0600);
  }
  REQUIRE(machine.files.remove(paths::settled));
  reboot("boot-2");
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(
      outcome.message ==
      "/var/lib/muster/cache/document.json: is none that this machine has verified before, and no trust list is left to verify it with; bring the server back, or copy /var/lib/muster/cache/trust.json from another machine of this site");
  CHECK(machine.services.active.count("kubelet.service") == 0);
}

TEST_CASE_FIXTURE(TrustLost, "a checkpoint that was put together anew vouches for no file") {
  site.is_away = true;
  REQUIRE(machine.files.remove(paths::checkpoint));
  reboot("boot-2");
  for (int run = 0; run < 2; ++run) {
    const auto outcome = converge();
    CHECK(outcome.verdict == Verdict::failed);
    CHECK(outcome.message.starts_with(
        "/var/lib/muster/cache/document.json: is none that this machine has verified before"));
    CHECK(machine.services.active.count("kubelet.service") == 0);
  }
  site.is_away = false;
  CHECK(converge().verdict == Verdict::converged);
  // From now on it does.
  lose_trust();
  site.is_away = true;
  reboot("boot-3");
  CHECK(converge().verdict == Verdict::converged);
}

TEST_CASE_FIXTURE(LetIn, "what does not verify is no way back of a checkpoint put together anew") {
  const auto settled = must(load_checkpoint(machine.files)).settled_document;
  REQUIRE_FALSE(settled.empty());
  auto forged = must(parse_envelope(machine.files.text(paths::document_cache)));
  forged.payload.replace(forged.payload.find("\"generation\":1"), 14, "\"generation\":2");
  REQUIRE(machine.files.remove(paths::settled));
  machine.files.put(std::string(paths::settled) + "/" + digest(forged) + ".json", to_json(forged),
                    0600);
  REQUIRE(machine.files.remove(paths::checkpoint));
  document.generation = 3;
  serve();
  CHECK(converge().verdict == Verdict::converged);
  const auto checkpoint = must(load_checkpoint(machine.files));
  CHECK_FALSE(checkpoint.is_unverified);
  CHECK(checkpoint.settled_document != digest(forged));
}
