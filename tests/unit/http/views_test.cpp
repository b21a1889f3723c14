// The views of a whole server: what one of its answers leaves in memory.
#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "fleet/vanished.hpp"
#include "unit/http/sample_pool.hpp"

using namespace muster;
using namespace std::chrono_literals;
using sample::House;
using sample::PoolHouse;

TEST_CASE("when the operator's call returns, a ban is in the view of callers") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  REQUIRE(house.ask("GET", "/v1/document", {}, n1).status == 200);
  REQUIRE(house.callers.find(n1.certificate_id));
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK_FALSE(house.callers.find(n1.certificate_id));
  CHECK(house.current.cluster("lab")->banned_machines == std::vector<std::string>{"n1"});
}

TEST_CASE("of a machine that was removed no view keeps anything") {
  PoolHouse house;
  house.start(2);
  REQUIRE(house.ask("GET", "/v1/document", {}, house.peers["w-2"]).status == 200);
  REQUIRE(house.members.find({"lab", "w-2"}));
  const auto answer = house.order("w-2", "remove", {{"drain", false}});
  REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
  CHECK_FALSE(house.members.find({"lab", "w-2"}));
  CHECK_FALSE(house.reports.find({"lab", "w-2"}).report);
  CHECK(house.reports.find({"lab", "w-2"}).served.empty());
  CHECK_FALSE(house.is_served("w-2"));
  CHECK(house.reports.find({"lab", "w-1"}).report);
  CHECK(house.members.all().size() == 2);
}

TEST_CASE("a report touches no view but that of reports; a ban costs no inventory its reading") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  const auto served = house.current.cluster("lab");
  const auto enrolment = house.inventory.enrolment();
  const auto boot = house.inventory.boot();
  Report made;
  made.machine_id = made.boot_id = "n1";
  made.counter = 1;
  const auto body = nlohmann::json::parse(to_json(made));
  REQUIRE(house.ask("POST", "/v1/report", body, n1).status == 200);
  CHECK(house.reports.find({"lab", "n1"}).report);
  CHECK(house.current.cluster("lab") == served);
  CHECK(house.inventory.enrolment() == enrolment);
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(house.current.cluster("lab") != served);
  CHECK(house.inventory.enrolment()->role_of({"lab", "n1"}) == Role::node);
  // Documents that the publication did not change are the very same objects.
  CHECK(house.current.document("lab", "n1") == served->documents.find("n1"));
  CHECK(house.current.document("lab", "m1") != served->documents.find("m1"));
  house.apply(sample::small_inventory(", labels: {rack: r1}"));
  CHECK(house.inventory.enrolment() != enrolment);
  CHECK(house.inventory.boot() != boot);
}

TEST_CASE("of two operators in conflict one is told, and no view has what he wanted") {
  House house;
  house.apply(sample::small_inventory());
  const auto based_on = house.current.cluster("lab")->revision;
  house.apply(sample::small_inventory(", labels: {rack: r1}"));
  const auto served = house.current.cluster("lab");
  const auto late =
      house.ask("POST", "/v1/operator/apply",
                {{"clusters", {"lab"}},
                 {"files", {{"site.yaml", sample::cluster() + sample::node("m1", "master", 11)}}},
                 {"basedOn", {{"lab", based_on}}},
                 {"remove", true}});
  CHECK(late.status == 409);
  CHECK(house.current.cluster("lab") == served);
  CHECK(house.inventory.enrolment()->role_of({"lab", "n1"}));
}

TEST_CASE("what others write on the same store is there when somebody next waits, lagging or not") {
  House house;
  house.apply(sample::small_inventory());
  Report made;
  made.machine_id = made.boot_id = "n1";
  Transaction transaction;
  house.reports.write({"lab", "n1"}, made, house.time, transaction);
  REQUIRE(house.site.memory.commit(transaction));
  CHECK_FALSE(house.reports.find({"lab", "n1"}).report);
  REQUIRE(house.store.commit(Transaction().expect("nothing", "of this", 0)));
  CHECK(house.reports.find({"lab", "n1"}).report);
}

TEST_CASE("behind a view that stands still a writer is told, and nothing is lost") {
  House house(100ms);
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  Report made;
  made.machine_id = made.boot_id = "n1";
  made.counter = 1;
  REQUIRE(house.ask("POST", "/v1/report", nlohmann::json::parse(to_json(made)), n1).status == 200);
  Transaction of_m1;
  house.reports.write({"lab", "m1"}, made, house.time, of_m1);
  std::promise<void> holds, go_on;
  std::thread reader([&] {
    house.reports.each_of("lab", [&](const std::string&, const HeardMachine&) {
      holds.set_value();
      go_on.get_future().wait();
    });
  });
  holds.get_future().wait();
  std::thread stuck([&] { CHECK(house.store.commit(of_m1)); });
  while (!house.site.memory.get(kinds::report, "lab/m1")) std::this_thread::sleep_for(1ms);
  const auto behind = house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}});
  CHECK(behind.status == 503);
  CHECK(behind.body.at("kind") == "views_behind");
  go_on.set_value();
  reader.join();
  stuck.join();
  CHECK(house.ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(house.current.cluster("lab")->banned_machines == std::vector<std::string>{"n1"});
  CHECK(house.reports.find({"lab", "m1"}).report);
}
