// How a converge gets in: trust, identity, approval.
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a machine that the server refuses says so at once and starts nothing") {
  REQUIRE(converge().verdict == Verdict::converged);
  reboot("boot-2");
  machine.services.calls.clear();
  site.is_banned = true;
  const auto began = machine.clock.now();
  const auto outcome = converge();
  CHECK(outcome.failure == FailureClass::identity);
  CHECK(outcome.message == "machine 'lab/n1' is banned");
  CHECK(machine.clock.now() == began);
  CHECK(machine.services.calls.empty());
}

TEST_CASE_FIXTURE(ReconcileFixture, "a site key that is not the pinned one is refused") {
  settings.site_pin = "sha256:" + std::string(64, '0');
  const auto outcome = converge();
  CHECK(outcome.failure == FailureClass::identity);
  CHECK(site.asked.empty());
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "waiting for approval keeps one key, and gives up with the command") {
  site.is_pending = true;
  const auto first = converge();
  CHECK(first.failure == FailureClass::identity);
  CHECK(first.message.rfind(
            "waiting for approval; on the server: muster approve NAME --fingerprint sha256:", 0) ==
        0);
  CHECK(converge().message == first.message);
  site.is_pending = false;
  CHECK(converge().verdict == Verdict::converged);
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a member whose cluster has no masters yet says that it waits for them") {
  site.is_pending = site.awaits_masters = true;
  CHECK(converge().message ==
        "waiting for the cluster's masters: it starts when as many are there as it needs");
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "EC2 is asked which instance this is when the server wants to know") {
  site.wants_identity = true;
  CHECK(
      converge().message ==
      "pool 'lab/ci': expected token and instanceIdentity; by its SMBIOS this machine is none of EC2");
  CHECK(network.metadata_calls.empty());
  machine.files.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
  const auto silent = converge();
  CHECK(silent.failure == FailureClass::network);
  // How long depends on what is left of the run, which tries again.
  CHECK(silent.message.rfind("EC2 instance identity: none within ", 0) == 0);
  CHECK(silent.message.ends_with(
      "; last: PUT http://169.254.169.254:80/latest/api/token: no connection"));
  std::string text;
  network.metadata = [&](const HttpRequest& request) -> Result<HttpAnswer> {
    return HttpAnswer{200, {}, request.method == "PUT" ? "token" : text, {}};
  };
  CHECK(converge().message ==
        "EC2 instance identity: expected a signed document, found an empty one");
  text = "another's";  // no loop: it is asked for once
  CHECK(converge().message == "pool 'lab/ci': expected token and instanceIdentity");
  text = "signed";
  site.told_identities.clear();
  CHECK(converge().verdict == Verdict::converged);
  CHECK(site.told_identities == std::vector<std::string>{"", "signed"});
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "a machine that waits for approval tells its NICs as they become") {
  site.is_pending = true;
  const auto began = machine.clock.since_boot();
  network.on_look = [&] {
    if (machine.clock.since_boot() < began + std::chrono::seconds(3)) return;
    network.mac = "52:54:00:00:00:02";
    site.is_pending = false;
  };
  CHECK(converge().verdict == Verdict::converged);
  REQUIRE(site.told_macs.size() == 2);
  CHECK(site.told_macs[0] == std::vector<std::string>{"52:54:00:00:00:01"});
  CHECK(site.told_macs[1] == std::vector<std::string>{"52:54:00:00:00:02"});
}

TEST_CASE_FIXTURE(ReconcileFixture, "an expired identity is recovered with the same key") {
  REQUIRE(converge().verdict == Verdict::converged);
  machine.clock.sleep(std::chrono::hours(24 * 30));
  site.asked.clear();
  REQUIRE(converge().verdict == Verdict::converged);
  REQUIRE_FALSE(site.asked.empty());
  CHECK(site.asked[0] == "recover");
}

TEST_CASE_FIXTURE(ReconcileFixture, "a machine that its metadata calls another one is not set up") {
  settings.told_node = "n1";
  settings.told_role = "master";
  const auto outcome = converge();
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(outcome.failure == FailureClass::identity);
  CHECK(
      outcome.message ==
      "metadata: expected n1 as node, as the signed document says, found n1 as master; correct myDomain and myRole, or the inventory");
  CHECK(changes_outside_state().empty());
  settings.told_role = "node";
  CHECK(converge().verdict == Verdict::converged);
}
