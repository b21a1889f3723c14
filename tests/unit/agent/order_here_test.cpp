#include "agent/order_here.hpp"

#include <doctest/doctest.h>

#include "agent/state/settled_document.hpp"
#include "fakes/reconcile_fixture.hpp"

using namespace muster;

namespace {

struct OrderFixture : ReconcileFixture {
  std::vector<Order> given;
  Memory command_memory;  // of a command: it patiently waits, as it has not run before

  Result<ConvergeOnce> once(Order order) {
    given.push_back(order);
    auto checkpoint = must(load_checkpoint(machine.files));
    Reporter reporter(machine.host, checkpoint, command_memory, [](std::string_view) {});
    Run run{machine.host,  network,
            settings,      checkpoint,
            reporter,      Deadline(machine.clock, std::chrono::minutes(10)),
            false,         order == Order::given,
            command_memory};
    if (order == Order::asks) reporter.ask_turn();
    ConvergeOnce done;
    done.outcome = reconcile(run);
    done.was_heard = reporter.was_heard();
    return done;
  }
  Result<Outcome> converge_on_master() {
    given.clear();
    return converge_now(true, [this](Order order) { return once(order); });
  }
  // A version that waits for a restart.
  void publish_newer_balancer() {
    for (auto& release : document.config.releases) {
      if (release.name == "haproxy")
        release = site.publish("haproxy", "1.36.4", {{"bin/haproxy", "h"}});
    }
    ++document.generation;
    serve();
  }
};

constexpr const char* way_round =
    "; where the other masters are well and it cannot wait: muster-agent converge --now --without-turn";

}  // namespace

TEST_CASE_FIXTURE(OrderFixture,
                  "an order on a master is carried out once the server gave the turn") {
  REQUIRE(converge().verdict == Verdict::converged);
  publish_newer_balancer();
  REQUIRE(converge().verdict == Verdict::pending_changes);
  const auto told = site.reports.size();
  const auto done = converge_on_master();
  REQUIRE_MESSAGE(done, done.error().message);
  CHECK(done->verdict == Verdict::converged);
  CHECK(given == std::vector<Order>{Order::asks, Order::given});
  // It is asked once, with the last report of the first run.
  CHECK(std::count_if(site.reports.begin() + static_cast<std::ptrdiff_t>(told), site.reports.end(),
                      [](const Report& report) { return report.asks_turn; }) == 1);
}

TEST_CASE_FIXTURE(OrderFixture, "where nothing waits for a turn, nobody is asked for one") {
  REQUIRE(converge().verdict == Verdict::converged);
  site.reports.clear();
  site.turn_waits_for = "m1 has the turn";
  const auto done = converge_on_master();
  REQUIRE_MESSAGE(done, done.error().message);
  CHECK(done->verdict == Verdict::converged);
  CHECK(given == std::vector<Order>{Order::asks});
  REQUIRE_FALSE(site.reports.empty());
  CHECK(std::none_of(site.reports.begin(), site.reports.end(),
                     [](const Report& report) { return report.asks_turn; }));
  // Nor is the server missed while it is away.
  site.is_away = true;
  CHECK(converge_on_master().has_value());
}

TEST_CASE_FIXTURE(OrderFixture, "without the turn nothing restarts, and it is said why") {
  REQUIRE(converge().verdict == Verdict::converged);
  publish_newer_balancer();
  machine.services.calls.clear();
  site.turn_waits_for = "m1 has the turn";
  auto refused = converge_on_master();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::forbidden);
  CHECK(
      refused.error().message ==
      std::string(
          "this master waits for its turn: m1 has the turn; it takes it by itself when it comes (`muster node show` tells, `muster node converge NAME --cancel` ends the order)") +
          way_round);
  CHECK(given == std::vector<Order>{Order::asks});
  site.turn_waits_for.clear();
  site.gives_turns = false;
  CHECK(converge_on_master().error().message ==
        std::string(
            "the server gave no turn; one before 0.3 gives none from here: muster node converge") +
            way_round);
  site.is_away = true;
  CHECK(converge_on_master().error().message ==
        std::string("the server is away, and it gives the masters their turns") + way_round);
  CHECK(machine.services.calls.empty());
  // What is told later asks for nothing: whoever asked may be gone.
  site.is_away = false;
  site.reports.clear();
  REQUIRE(converge().verdict == Verdict::pending_changes);
  REQUIRE(site.reports.size() > 1);
  CHECK(std::none_of(site.reports.begin(), site.reports.end(),
                     [](const Report& report) { return report.asks_turn; }));
}

TEST_CASE_FIXTURE(OrderFixture, "a machine that disturbs no other master asks nobody") {
  site.is_away = false;
  REQUIRE(converge().verdict == Verdict::converged);
  publish_newer_balancer();
  site.turn_waits_for = "m1 has the turn";
  const auto done = converge_now(false, [this](Order order) { return once(order); });
  REQUIRE(done);
  CHECK(done->verdict == Verdict::converged);
  CHECK(given == std::vector<Order>{Order::given});
}

TEST_CASE_FIXTURE(OrderFixture, "masters take turns where there are several, once they settled") {
  Checkpoint checkpoint;
  CHECK_FALSE(takes_turns(machine.files, checkpoint));
  const auto settle_as = [&](Role role, std::size_t masters) {
    NodeDocument settled = example_document(role);
    settled.role.cluster.masters.resize(masters);
    site.serve(settled);
    checkpoint.node = settled.role.node;
    checkpoint.cluster = settled.role.cluster.name;
    REQUIRE(settle(machine.files, checkpoint, site.document_envelope, "sha256:s"));
  };
  settle_as(Role::master, 2);
  CHECK(takes_turns(machine.files, checkpoint));
  settle_as(Role::master, 1);
  CHECK_FALSE(takes_turns(machine.files, checkpoint));
  settle_as(Role::node, 2);
  CHECK_FALSE(takes_turns(machine.files, checkpoint));
}
