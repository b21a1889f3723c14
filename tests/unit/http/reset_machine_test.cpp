// A machine whose agent said that it was reset.
#include "fleet/standing.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

TEST_CASE("a machine that was reset is no converged one, from its last word on") {
  House house;
  house.apply(sample::small_inventory());
  const Peer n1 = house.machine("n1");
  Report report;
  report.machine_id = "m";
  report.boot_id = "b";
  report.counter = 1;
  report.verdict = Verdict::converged;
  report.document_digest = report.fetched_digest =
      std::string(house.current.document("lab", "n1")->digest());
  const auto tell = [&](bool was_reset) {
    ++report.counter;
    auto body = nlohmann::json::parse(to_json(report));
    if (was_reset) body["wasReset"] = true;
    REQUIRE(house.ask("POST", "/v1/report", body, n1).status == 200);
  };
  const auto row = [&] { return house.ask("GET", "/v1/operator/nodes/lab/n1").body; };
  const auto counts = [&] {
    return house.ask("GET", "/v1/operator/status").body.at("clusters")[0];
  };
  tell(false);
  CHECK(row().at("standing") == "converged");
  tell(true);
  CHECK(row().at("standing") == "reset");
  CHECK(row().at("state") == "reset");
  CHECK(row().at("reason").get<std::string>().starts_with("reset at "));
  CHECK(
      row().at("cure") ==
      "to have it back: `muster node replace n1 --cluster lab`, then `muster token create --cluster lab --node n1 --role node`, that token into its /etc/muster/agent.json (\"token\") or user-data, and there `systemctl restart muster-agent`");
  CHECK(counts().at("reset") == 1);
  CHECK(counts().at("converged") == 0);
  house.time += std::chrono::hours(1);
  CHECK(row().at("standing") == "reset");  // it is not looked for
}
