#include "records/drain.hpp"

#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

constexpr std::int64_t minute = 60;

Result<void> order(Site& site, const DrainOrder& wanted, TimePoint at = sample::now) {
  Transaction transaction;
  auto ordered = order_drain(site.store, wanted, at, transaction);
  return ordered ? commit(site.store, transaction) : ordered;
}

DrainRecord record_of(const Site& site) {
  return find_drain(site.store, "lab", "n1").value()->record;
}

}  // namespace

TEST_CASE("an order of a drain is kept, renewed, and taken back") {
  Site site;
  site.publish(sample::small_inventory());
  REQUIRE(order(site, {"lab", "n1", false, std::chrono::minutes(10), "operator anna"}));
  const DrainRecord first = record_of(site);
  CHECK(first.since == 2);
  CHECK(first.until == first.ordered_at + 10 * minute);
  // Draining goes on: what is said of it stays true. More is wanted now.
  site.publish(sample::small_inventory(", labels: {a: b}"));
  REQUIRE(order(site, {"lab", "n1", true, std::chrono::minutes(20), "operator bob"},
                sample::now + std::chrono::minutes(1)));
  CHECK(record_of(site).since == 2);
  CHECK(record_of(site).remove);
  CHECK(record_of(site).until == first.ordered_at + 21 * minute);
  CHECK(to_json(parse_drain_record(to_json(record_of(site))).value()) == to_json(record_of(site)));
  CHECK(list_drains(site.store, "")->size() == 1);
  CHECK(list_drains(site.store, "la")->empty());
  REQUIRE(end_drain(site.store, "lab", "n1", sample::now, "operator anna"));
  CHECK_FALSE(*find_drain(site.store, "lab", "n1"));
  CHECK(end_drain(site.store, "lab", "n1", sample::now, "x").error().kind == ErrorKind::not_found);
  CHECK(order(site, {"lab", "n1", false, std::chrono::hours(25), "x"}).error().message ==
        "drain: expected a timeoutSeconds of 60 to 86400, found 90000");
}

TEST_CASE("how far a drain is, comes from a report that knows of it") {
  DrainRecord record;
  record.node = "n1";
  record.since = 5;
  CHECK(progress_of(record, nullptr).message == "the duties of its cluster have not told yet");
  DutiesReport duties{4, {}, {{"n1", true, ""}}};
  CHECK(progress_of(record, &duties).phase == DrainPhase::draining);
  duties.peers_generation = 5;
  CHECK(progress_of(record, &duties).phase == DrainPhase::drained);
  duties.drains = {{"n1", false, "pod a/b: its budget"}};
  CHECK(progress_of(record, &duties).message == "pod a/b: its budget");
  duties.drains.clear();
  CHECK(progress_of(record, &duties).phase == DrainPhase::draining);
  record.given_up = true;
  CHECK(progress_of(record, &duties).phase == DrainPhase::given_up);
}

TEST_CASE("a machine that leaves takes its drain with it") {
  Site site;
  site.publish(sample::small_inventory());
  REQUIRE(order(site, {"lab", "n1", false, std::chrono::minutes(10), "operator anna"}));
  auto request = site.request(sample::cluster() + sample::node("m1", "master", 11));
  request.remove = true;
  REQUIRE(publish(site.context, request));
  CHECK_FALSE(*find_drain(site.store, "lab", "n1"));
}
