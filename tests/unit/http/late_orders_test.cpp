// What was ordered beside a cluster's end, or after it: not the next one's of that name.
#include <doctest/doctest.h>

#include "fleet/cluster_end.hpp"
#include "sample_on_demand.hpp"

using namespace muster;
using namespace std::chrono_literals;
using sample::OnDemand;

TEST_CASE_FIXTURE(OnDemand, "what raced an end goes, though the server dies before its sweep") {
  create("ci");
  const auto before = rows();
  // Ordered after the end has read, before it is committed.
  hooked.before_commit = [&] {
    Transaction order;
    const auto made = add_join_token(enrolment, {"ci", {}, "w", Role::node, 3, 1h}, "anna", order);
    REQUIRE(made);
    order.put(kinds::drain, "ci/w-1", "{}");
    REQUIRE(site.memory.commit(order));
    hooked.commits_left = 1;
  };
  ask("DELETE", "/v1/operator/clusters/ci");
  hooked.commits_left = std::numeric_limits<std::size_t>::max();
  REQUIRE(views.load());
  CHECK(rows()["cluster"] == 0);
  CHECK(rows()["drain"] == 1);
  CHECK(rows()["cluster-token"] == 1);
  // None of it is the next cluster's of that name.
  const nlohmann::json order = {{"name", "ci"}, {"template", "small"}, {"nodes", 2}};
  auto next = ask("POST", "/v1/operator/clusters", order);
  CHECK(next.status == 503);
  CHECK(
      next.message() ==
      "cluster 'ci': one of that name has just ended, and what was ordered meanwhile is being taken away; ask again in some seconds");
  SUBCASE("with a clock that is believed") {}
  SUBCASE("whatever the clock says") {
    time += 24h * 31;
    set_by += 24h * 31;
  }
  REQUIRE(scheduler.carry_out_due());
  for (const char* kind : {"drain", "cluster-token", "token"})
    CHECK_MESSAGE(rows()[kind] == 0, kind);
  // None is made by a clock in doubt.
  time -= set_by;
  set_by -= set_by;
  next = ask("POST", "/v1/operator/clusters", order);
  CHECK_MESSAGE(next.status == 200, next.body.dump());
}

TEST_CASE_FIXTURE(OnDemand, "whatever raced an end is not the next cluster's of that name") {
  create("ci");
  hooked.before_commit = [&] {
    Transaction order;
    for (const auto kind : {kinds::boot, kinds::report, kinds::served, kinds::unheard})
      order.put(kind, "ci/w-1", "{}");
    order.put(kinds::sealed, "ci", "{}");
    REQUIRE(site.memory.commit(order));
    REQUIRE(set_secret(site.memory, site.sealing, "ci", "db", "x", "anna", time));
  };
  REQUIRE(ask("DELETE", "/v1/operator/clusters/ci").status == 200);
  for (const auto kind :
       {kinds::boot, kinds::report, kinds::served, kinds::unheard, kinds::sealed, kinds::secret})
    CHECK_MESSAGE(site.store.count(kind).value() == 0, kind);
}

TEST_CASE_FIXTURE(OnDemand, "a secret is of the cluster that it was set for") {
  create("ci");
  const auto set = [&] {
    return ask("PUT", "/v1/operator/secrets/ci/db", {{"value", base64_encode("x")}});
  };
  SUBCASE("it ends before the secret is committed") {
    hooked.before_commit = [&] {
      REQUIRE(ask("DELETE", "/v1/operator/clusters/ci").status == 200);
    };
    const auto late = set();
    CHECK(late.status == 409);
    CHECK(late.body["kind"] == "cluster_ended");
    CHECK(
        late.message() ==
        "secret 'db' of cluster 'ci': the cluster ended while this was being set, and nothing was. If it is meant for the next one of that name, set it again.");
    CHECK(rows()["secret"] == 0);
    // It may come before the cluster, and says so.
    CHECK(set().body["published"] == false);
    CHECK(rows()["secret"] == 1);
  }
  SUBCASE("it has ended, and what raced its end is not swept yet") {
    hooked.before_commit = [&] { hooked.commits_left = 1; };
    ask("DELETE", "/v1/operator/clusters/ci");
    hooked.commits_left = std::numeric_limits<std::size_t>::max();
    REQUIRE(views.load());
    CHECK(set().status == 503);
    REQUIRE(scheduler.carry_out_due());
    CHECK(set().status == 200);
  }
  SUBCASE("it is published meanwhile") {
    hooked.before_commit = [&] {
      Transaction again;
      again.put(kinds::cluster, "ci", site.memory.get(kinds::cluster, "ci")->value);
      REQUIRE(site.memory.commit(again));
    };
    const auto answer = set();
    CHECK_MESSAGE(answer.status == 200, answer.body.dump());
    CHECK(answer.body["published"] == true);
  }
}
