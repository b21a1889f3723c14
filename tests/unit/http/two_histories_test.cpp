// What a server does whose database is older than what machines took from it.
#include "fleet/machine_trouble.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

constexpr const char* rollback = "/v1/operator/revisions/rollback";

Report report_of(std::uint64_t generation, const std::string& fetched) {
  static std::uint64_t counter = 0;
  Report report;
  report.machine_id = "m";
  report.boot_id = "b";
  report.counter = ++counter;
  report.verdict = Verdict::converged;
  report.configuration = Configuration::settled;
  report.generation = generation;
  report.fetched_digest = fetched;
  return report;
}

nlohmann::json back_to_first() {
  return {{"cluster", "lab"}, {"revision", "1"}};
}

std::uint64_t served(const House& house, const std::string& node) {
  return house.current.document("lab", node)->generation;
}

std::uint64_t peers(const House& house) {
  return house.current.peers("lab")->generation;
}

std::string alarm(House& house) {
  const auto status = house.ask("GET", "/v1/operator/status").body;
  const auto& worst = status.at("worst");
  return fmt::format("{} {}", status.at("clusters")[0].at("twoHistories").get<int>(),
                     worst.empty() ? "" : worst[0].at("reason").get<std::string>());
}

}  // namespace

TEST_CASE("an operator's rollback is published above all that machines took of another history") {
  House house;
  house.apply(sample::small_inventory());
  house.hear({"lab", "n1"}, report_of(57, "sha256:later"));
  CHECK(alarm(house) == "1 two histories: document: it has generation 57, and is served 1");
  const auto done = house.ask("POST", rollback, back_to_first());
  REQUIRE_MESSAGE(done.status == 200, done.body.dump());
  CHECK(
      done.body.at("notes") ==
      nlohmann::json{
          "cluster 'lab': n1 took generation 57 of another history of this site: all of it is published anew as generation 58"});
  CHECK(served(house, "m1") == 58);
  CHECK(served(house, "n1") == 58);
  CHECK(peers(house) == 58);
  // A machine's generation is its publication's number still.
  CHECK(house.current.cluster("lab")->revision_number == 58);
  // It is heard of with the old one once more, and nothing is left to be done.
  CHECK(house.ask("POST", rollback, back_to_first()).body.at("notes").empty());
  CHECK(house.current.cluster("lab")->revision_number == 58);
  CHECK(alarm(house) == "0 ");
}

TEST_CASE("peer lists count too, as the holder of the duties has them") {
  House house;
  house.apply(sample::small_inventory());
  Report report = report_of(1, std::string(house.current.document("lab", "m1")->digest()));
  report.duties.emplace().peers_generation = 31;
  house.hear({"lab", "m1"}, report);
  const auto done = house.apply(sample::small_inventory());
  CHECK(
      done.body.at("notes") ==
      nlohmann::json{
          "cluster 'lab': m1 took generation 31 of another history of this site: all of it is published anew as generation 32"});
  CHECK(peers(house) == 32);
  CHECK(served(house, "n1") == 32);
}

TEST_CASE("another content of the generation that is served is published anew, by an operator") {
  House house;
  house.apply(sample::small_inventory());
  Report report = report_of(1, std::string(house.current.document("lab", "n1")->digest()));
  report.contradiction = Contradiction{"peers", 1, "sha256:a", "sha256:b"};
  house.hear({"lab", "n1"}, report);
  house.site.set_banned("m1", true);
  // What machines cause never goes by their word.
  REQUIRE(republish(house.publishing, "lab", "server"));
  CHECK(served(house, "n1") == 1);
  REQUIRE(house.ask("POST", rollback, back_to_first()).status == 200);
}

TEST_CASE("one machine's word moves generations by a bounded step, and an absurd one by none") {
  House house;
  house.apply(sample::small_inventory());
  house.hear({"lab", "n1"}, report_of(9007199254740991, "sha256:x"));
  const auto done = house.ask("POST", rollback, back_to_first());
  REQUIRE(done.status == 200);
  CHECK(
      done.body.at("notes") ==
      nlohmann::json{
          "cluster 'lab': n1 says that it took generation 9007199254740991, which no history of this site can have reached: not believed; if it refuses what is published, run `muster-agent reset --yes` on it, or ban it"});
  CHECK(house.current.cluster("lab")->revision_number == 1);
  // The word of one that is banned counts for nothing.
  house.machine("n1");
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban").status == 200);
  CHECK(house.apply(sample::small_inventory()).body.at("notes").empty());
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/unban").status == 200);
  house.hear({"lab", "n1"}, report_of(1000001, "sha256:x"));
  REQUIRE(house.ask("POST", rollback, back_to_first()).status == 200);
  CHECK(house.current.cluster("lab")->revision_number == 1000002);
}

TEST_CASE("a dry run tells of it too, and a signature made away gets that generation") {
  House house;
  house.apply(sample::small_inventory());
  house.hear({"lab", "n1"}, report_of(57, "sha256:later"));
  auto order = back_to_first();
  order["dryRun"] = true;
  CHECK(
      house.ask("POST", rollback, order).body.at("notes") ==
      nlohmann::json{
          "cluster 'lab': n1 took generation 57 of another history of this site: all of it is published anew as generation 58"});
  CHECK(served(house, "n1") == 1);
  CHECK(house.ask("POST", "/v1/operator/clusters/lab/signing").body.at("generation") == 58);
}
