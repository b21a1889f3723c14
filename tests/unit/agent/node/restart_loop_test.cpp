#include "agent/node/restart_loop.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

// kubelet, looked at once a minute.
struct Looked {
  Restarts restarts;
  std::int64_t now = 1'700'000'000;
  std::optional<std::int64_t> since;

  std::string look(std::uint32_t count) {
    UnitStatus status{"loaded", "active"};
    status.restarts = count;
    restarts = note_restarts(restarts, {{"kubelet.service", status}}, now);
    const auto problems = restart_loops(restarts, now, [this](const auto&) { return since; });
    now += 60;
    return problems.empty() ? "" : problems[0].subject + ": " + problems[0].message;
  }
};

}  // namespace

TEST_CASE("a unit that runs at every look and restarts between them is told, and is well again") {
  Looked kubelet;
  CHECK(kubelet.look(1000) == "");  // of before anybody looked
  CHECK(kubelet.look(1001) == "");
  CHECK(kubelet.look(1002) == "");
  CHECK(
      kubelet.look(1003) ==
      "unit kubelet.service: restarted 3 times within 5 minutes; journalctl -u kubelet.service -b");
  kubelet.since = kubelet.now - 20;
  CHECK(
      kubelet.look(1004) ==
      "unit kubelet.service: restarted 4 times within 5 minutes, runs since 22:17 UTC; journalctl -u kubelet.service -b");
  for (int quiet = 0; quiet < 2; ++quiet) CHECK(kubelet.look(1004) != "");
  for (int quiet = 0; quiet < 3; ++quiet) CHECK(kubelet.look(1004) == "");
}

TEST_CASE("a few restarts over a long time are no loop") {
  Looked kubelet;
  for (std::uint32_t count = 0; count < 20; ++count) {
    kubelet.look(count);
    kubelet.now += 140;
    CHECK(kubelet.look(count) == "");
  }
}

TEST_CASE("nothing is remembered anew at a look that found nothing new") {
  Looked kubelet;
  for (const std::uint32_t count : {0u, 5u}) kubelet.look(count);
  const auto before = kubelet.restarts;
  for (int look = 0; look < 20; ++look) kubelet.look(5);
  CHECK(kubelet.restarts == before);
}

TEST_CASE("systemd counts anew after a start by hand, and what restarted since counts") {
  Looked kubelet;
  CHECK(kubelet.look(7) == "");
  CHECK(kubelet.look(2) == "");
  CHECK(kubelet.look(3) != "");
  CHECK(kubelet.look(0) != "");
}

TEST_CASE("what is remembered stays small, and goes with the unit") {
  Looked kubelet;
  for (std::uint32_t count = 0; count < 1000; count += 50) kubelet.look(count);
  CHECK(kubelet.restarts.at("kubelet.service").at.size() == 16);
  CHECK(note_restarts(kubelet.restarts, {}, kubelet.now).empty());
  // A clock that was set back: what lies in the future was never seen.
  CHECK(restart_loops(kubelet.restarts, 1'600'000'000, [](const auto&) {
          return std::nullopt;
        }).empty());
}
