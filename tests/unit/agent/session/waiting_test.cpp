#include "agent/session/waiting.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/paths.hpp"
#include "agent/session/session.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

// The service on a machine that nobody has let in yet.
struct WaitingFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  Checkpoint checkpoint;
  std::vector<std::string> narrated;
  Memory memory;
  Reporter reporter{machine.host, checkpoint, memory,
                    [this](std::string_view line) { narrated.emplace_back(line); }};
  Run run{machine.host, network,  settings,
          checkpoint,   reporter, Deadline(machine.clock, boot_deadline),
          false,        false,    memory};
  std::chrono::nanoseconds began = machine.clock.since_boot();

  WaitingFixture() {
    settings.site_pin = site.pin();
    settings.enrol_servers = {"https://10.0.0.254:8443"};
    site.is_pending = true;
    run.is_service = true;
  }
  [[nodiscard]] bool has_waited(std::chrono::minutes time) const {
    return machine.clock.since_boot() >= began + time;
  }
};

}  // namespace

TEST_CASE_FIXTURE(WaitingFixture, "the service waits as long as it takes, and says so everywhere") {
  std::string shown;
  network.on_look = [&] {
    if (!has_waited(std::chrono::minutes(150))) return;
    shown = waiting_for(machine.files);
    site.is_pending = false;
  };
  CHECK(open_session(run, {}));
  CHECK(shown.rfind(
            "waiting for approval; on the server: muster approve NAME --fingerprint sha256:", 0) ==
        0);
  // At the start and each hour.
  CHECK(std::count(narrated.begin(), narrated.end(), shown) == 3);
  // The work after it has its own time.
  CHECK(run.deadline.left() > std::chrono::minutes(9));
  CHECK(waiting_for(machine.files).empty());
  CHECK_FALSE(machine.files.has(paths::waiting));
}

TEST_CASE_FIXTURE(WaitingFixture, "a person's command gives up with the deadline") {
  run.is_service = false;
  const auto session = open_session(run, {});
  REQUIRE_FALSE(session);
  CHECK(session.error().error.message.rfind("waiting for approval", 0) == 0);
  CHECK(has_waited(std::chrono::minutes(9)));
  CHECK_FALSE(machine.files.has(paths::waiting));
}

TEST_CASE_FIXTURE(WaitingFixture, "another token ends the wait of the service") {
  machine.files.put(paths::settings, "{}");
  network.on_look = [&] {
    if (has_waited(std::chrono::minutes(1))) machine.files.nodes[paths::settings].modified_ns = 1;
  };
  const auto session = open_session(run, {});
  REQUIRE_FALSE(session);
  CHECK(session.error().error.message ==
        "the settings changed while this machine waited: it asks anew by them");
  CHECK_FALSE(has_waited(std::chrono::minutes(2)));
  CHECK(waiting_for(machine.files).empty());
}

TEST_CASE_FIXTURE(WaitingFixture, "settings that change while it is let in are those it goes by") {
  machine.files.put(paths::settings, "{}");
  site.is_pending = false;
  network.on_look = [&] { ++machine.files.nodes[paths::settings].modified_ns; };
  const auto session = open_session(run, {});
  REQUIRE_FALSE(session);
  CHECK(session.error().error.message ==
        "the settings changed while this machine waited: it asks anew by them");
  CHECK_FALSE(machine.files.has(paths::identity));
  network.on_look = [] {};
  CHECK(open_session(run, {}));
}
