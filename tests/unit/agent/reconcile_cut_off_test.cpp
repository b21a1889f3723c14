// Converges that are cut off at any changing call.
#include "fakes/reconcile_fixture.hpp"
#include "fakes/stride.hpp"

using namespace muster;

TEST_CASE_FIXTURE(ReconcileFixture,
                  "every changing call fails once, and the next converge makes it good") {
  REQUIRE(converge().verdict == Verdict::converged);
  const int calls = machine.files.calls;
  REQUIRE(calls > 40);
  for (int at = 0; at < calls; at += stride) {
    ReconcileFixture fresh;
    fresh.machine.files.fail_at = at;
    static_cast<void>(fresh.converge());
    fresh.machine.files.restart();
    const auto healed = fresh.converge();
    CAPTURE(at);
    CHECK(healed.message == "");
    CHECK(healed.verdict == Verdict::converged);
    fresh.changes_outside_state();
    CHECK_FALSE(fresh.converge().changed);
  }
}

TEST_CASE_FIXTURE(ReconcileFixture,
                  "power is lost at every changing call, and the next boot makes it good") {
  REQUIRE(converge().verdict == Verdict::converged);
  const int calls = machine.files.calls;
  for (int at = 0; at < calls; at += stride) {
    ReconcileFixture fresh;
    fresh.machine.files.crash_at = at;
    static_cast<void>(fresh.converge());
    fresh.machine.files.restart();
    fresh.reboot("boot-2");
    const auto healed = fresh.converge();
    CAPTURE(at);
    CHECK(healed.message == "");
    CHECK(healed.verdict == Verdict::converged);
    CHECK_FALSE(fresh.converge().changed);
  }
}
