// What the whole server does while its clock was set and is in doubt.
#include <doctest/doctest.h>

#include "sample_firmware.hpp"

using namespace muster;
using sample::ask_as_firmware;

namespace {

constexpr std::chrono::hours day(24), month(24 * 31);
const std::string in_doubt =
    "the server's clock is 31d 0h ahead of what was expected, and in doubt: what is made now would last as much longer; put the clock right, or, if it is right now, run `muster clock confirm`; then try again";

struct SetHouse : sample::House {
  SetHouse() { REQUIRE(clock.believed_now()); }
  // To so far before what is expected; 0: put right.
  void set(std::chrono::seconds by) {
    time += by - set_by;
    set_by = by;
    REQUIRE(clock.believed_now().has_value() == (by.count() == 0));
  }
};

// Its one node netboots and keeps its state on a disk, which may be wiped.
struct DiskHouse : SetHouse {
  DiskHouse() {
    sample::add_image(*this);
    apply(sample::small_inventory(
        sample::with_marks +
        ", overrides: {netboot: {image: tower}, stateDisk: {serial: S9, create: wipe}}"));
    node = machine("n1");
    report();
  }
  void report() {
    Report made;
    made.machine_id = made.boot_id = "n1";
    made.counter = 5'000'000;
    made.verdict = Verdict::converged;
    made.boot_image = "image-tower/20261202.050000";
    const auto answer = ask("POST", "/v1/report", nlohmann::json::parse(to_json(made)), node);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
  }
  void order_wipe() {
    const auto ordered = ask("POST", "/v1/operator/nodes/lab/n1/wipe-disk", {{"serial", "S9"}});
    REQUIRE_MESSAGE(ordered.status == 200, ordered.body.dump());
  }
  sample::ToldFirmware start() {
    return ask_as_firmware(*this, "/boot/machine.cpio?mac=0c-c4-7a-80-09-1f");
  }

  Peer node;
};

}  // namespace

TEST_CASE_FIXTURE(DiskHouse,
                  "a word to wipe a disk that lapsed is none, wherever the clock is set") {
  order_wipe();
  CHECK(start().has("\nwipe "));
  time += std::chrono::minutes(16);
  report();
  for (const std::chrono::seconds by : {std::chrono::seconds(-day), std::chrono::seconds(month)}) {
    set(by);
    const auto told = start();
    CHECK(told.status == 200);
    CHECK_FALSE(told.has("\nwipe "));
    CHECK_FALSE(told.has("\"token\""));
    set(std::chrono::seconds(0));
  }
}

TEST_CASE_FIXTURE(DiskHouse, "a word to wipe a disk does not last until a clock that was ahead") {
  order_wipe();
  set(month);
  CHECK(start().has("\nwipe "));
  CHECK(start().has("\nwipe "));
  set(std::chrono::seconds(0));
  CHECK_FALSE(start().has("\nwipe "));
}

TEST_CASE_FIXTURE(DiskHouse,
                  "when a machine was heard of keeps its order, wherever the clock is set") {
  for (const std::chrono::seconds by : {std::chrono::seconds(-day), std::chrono::seconds(month)}) {
    time += std::chrono::seconds(30);
    set(by);
    report();
    CHECK(reports.find({"lab", "n1"}).seen_at == unix_seconds(time - by));
    set(std::chrono::seconds(0));
  }
}

TEST_CASE_FIXTURE(SetHouse,
                  "no cluster is made, and no kubeconfig, by a clock ahead and in doubt") {
  apply(sample::small_inventory());
  const auto kubeconfig = [&] {
    return ask("POST", "/v1/operator/kubeconfig", {{"cluster", "lab"}, {"ttlSeconds", 600}});
  };
  const auto make = [&](bool dry_run) {
    std::string text = sample::cluster("  podCidr: 10.65.0.0/16\n", "other") +
                       sample::node("o1", "master", 31, "", "other");
    text.replace(text.find("10.96."), 6, "10.97.");
    return ask("POST", "/v1/operator/apply",
               {{"clusters", {"other"}},
                {"files", {{"site.yaml", text}}},
                {"basedOn", nlohmann::json::object()},
                {"dryRun", dry_run}});
  };
  set(month);
  for (const bool dry_run : {true, false}) {
    const auto refused = make(dry_run);
    CHECK(refused.status == 409);
    CHECK(refused.body.at("kind") == "clock_in_doubt");
    CHECK(refused.message() == "cluster 'other': " + in_doubt);
  }
  CHECK(store.get(kinds::cluster, "other").error().kind == ErrorKind::not_found);
  CHECK(kubeconfig().body.at("kind") == "clock_in_doubt");
  CHECK(kubeconfig().message() == "kubeconfig of 'lab': " + in_doubt);
  // What is there already goes on.
  apply(sample::small_inventory() + sample::node("n2", "node", 22));
  REQUIRE(clock.confirm(store, unix_seconds(time), "anna"));
  CHECK(make(false).status == 200);
  CHECK(kubeconfig().status == 200);
}
