// What an operator is told of what he ordered, and of names that there are not.
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "enrolment/ban.hpp"
#include "records/revision.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

TEST_CASE("a cluster that there is not is said to be none, with the nearest name") {
  House house;
  house.apply(sample::small_inventory());
  const std::string none =
      "cluster: there is none named 'lap', did you mean 'lab'?; `muster status` shows them";
  const nlohmann::json rollback = {{"cluster", "lap"}, {"revision", "1"}};
  for (const auto& answer :
       {house.ask("GET", "/v1/operator/nodes?cluster=lap"),
        house.ask("GET", "/v1/operator/nodes/lap/n1"),
        house.ask("POST", "/v1/operator/nodes/lap/n1/ban"),
        house.ask("GET", "/v1/operator/revisions?cluster=lap"),
        house.ask("GET", "/v1/operator/revisions/diff?cluster=lap&from=1&to=1"),
        house.ask("POST", "/v1/operator/revisions/rollback", rollback),
        house.ask("GET", "/v1/operator/secrets?cluster=lap"),
        house.ask("POST", "/v1/operator/kubeconfig", {{"cluster", "lap"}}),
        house.ask("POST", "/v1/operator/clusters/lap/reinitialise", {{"confirm", "lap"}})}) {
    CHECK(answer.status == 404);
    CHECK(answer.message() == none);
  }
  CHECK(house.ask("GET", "/v1/operator/nodes?cluster=lab").body.at("nodes").size() == 2);
  CHECK(house.ask("GET", "/v1/operator/nodes?cluster=somewhere").message() ==
        "cluster: there is none named 'somewhere'; `muster status` shows them");
}

TEST_CASE("what was so already is said to have changed nothing") {
  House house;
  house.apply(sample::small_inventory());
  house.machine("n1");
  const auto unchanged = [&](const std::string& order, const nlohmann::json& body = {}) {
    const auto answer = house.ask("POST", "/v1/operator/nodes/lab/n1/" + order, body);
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return answer.body.value("unchanged", false);
  };
  CHECK(unchanged("unban"));
  CHECK_FALSE(unchanged("ban", {{"reason", "x"}}));
  CHECK(unchanged("ban", {{"reason", "x"}}));
  CHECK_FALSE(unchanged("unban"));
  const std::string key = find_machine(house.store, {"lab", "n1"})->record.current->key;
  CHECK(unchanged("unfreeze", {{"keep", key}}));
  REQUIRE(freeze(house.enrolment, {"lab", "n1"}, "two of them", "server"));
  CHECK_FALSE(unchanged("unfreeze", {{"keep", key}}));
}

TEST_CASE("a removed secret is told with the revisions that need it, and they with the secret") {
  House house;
  const auto secret = [&](const std::string& verb, const nlohmann::json& body = {}) {
    return house.ask(verb, "/v1/operator/secrets/lab/db", body).body;
  };
  CHECK(secret("PUT", {{"value", base64_encode("x")}})["published"] == false);
  house.apply(
      sample::small_inventory(", overrides: {files: [{path: /etc/db, content: {secretRef: db}}]}"));
  CHECK(secret("PUT", {{"value", base64_encode("x")}})["published"] == true);
  house.apply(sample::small_inventory());
  CHECK(secret("DELETE")["neededBy"] == nlohmann::json{1});
  const auto list = house.ask("GET", "/v1/operator/revisions?cluster=lab").body["revisions"];
  CHECK(list[0]["missingSecrets"].empty());
  CHECK(list[1]["missingSecrets"] == nlohmann::json{"db"});
}

TEST_CASE("an order that is taken back says so, whichever it is") {
  House house;
  house.apply(sample::small_inventory());
  house.machine("n1");
  for (const std::string order : {"converge", "replace"}) {
    const std::string path = "/v1/operator/nodes/lab/n1/" + order;
    CHECK(house.ask("POST", path).body["order"] == order);
    const auto taken = house.ask("POST", path, {{"cancel", true}});
    CHECK_MESSAGE(taken.body["order"] == "cancel-" + order, taken.body.dump());
  }
}

TEST_CASE("a publication tells its number, and whether anything was published") {
  House house;
  auto answer = house.apply(sample::small_inventory());
  CHECK(answer.body.at("number") == 1);
  CHECK(answer.body.at("numbers").at("lab") == 1);
  CHECK(answer.body.at("written") == true);
  answer = house.apply(sample::small_inventory());
  CHECK(answer.body.at("number") == 1);
  CHECK(answer.body.at("written") == false);
  house.apply(sample::small_inventory(", labels: {a: b}"));
  answer =
      house.ask("POST", "/v1/operator/revisions/rollback", {{"cluster", "lab"}, {"revision", "1"}});
  CHECK(answer.body.at("number") == 3);
  CHECK(answer.body.at("changes").size() == 1);
}

TEST_CASE("a publication and the status tell the operator's revision under what machines cause") {
  House house;
  house.apply(sample::small_inventory());
  house.machine("n1");
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban").status == 200);
  const auto row = [&] { return house.ask("GET", "/v1/operator/status").body["clusters"][0]; };
  CHECK(row()["revisionNumber"] == 2);
  CHECK(row()["content"] == 1);
  const auto same = house.apply(sample::small_inventory());
  CHECK(same.body["numbers"]["lab"] == 2);
  CHECK(same.body["contents"]["lab"] == 1);
  const auto other = house.apply(sample::small_inventory(", labels: {a: b}"));
  CHECK(other.body["contents"]["lab"] == 3);
  CHECK(row()["content"] == 3);
}

TEST_CASE("revision diff compares what a publication made of each machine, while it is served") {
  House house;
  house.apply(sample::small_inventory());
  house.machine("n1");
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban").status == 200);
  const auto diff = [&](const std::string& from, const std::string& to) {
    return house.ask("GET", "/v1/operator/revisions/diff?cluster=lab&from=" + from + "&to=" + to)
        .body;
  };
  auto answer = diff("1", "2");
  CHECK(answer.at("to").at("number") == 2);
  CHECK(answer.at("notes").empty());
  REQUIRE(answer.at("changes").size() == 2);
  CHECK(answer.at("changes")[0].at("node") == "m1");
  CHECK(answer.at("changes")[0].at("change") == "changed");
  // It is past: what it was made from is not kept.
  house.apply(sample::small_inventory(", labels: {a: b}"));
  answer = diff("2", "3");
  CHECK(
      answer.at("notes") ==
      nlohmann::json{
          "publication 2 (ban of n1) has no files of its own, and which machines were banned, members or drained then is not kept: it is compared as revision 1, whose files it has"});
}

TEST_CASE("a machine that is removed is said to go on, and is explained afterwards") {
  House house;
  house.apply(sample::small_inventory() + sample::node("n2", "node", 22));
  house.machine("n2");
  const auto answer = house.apply(sample::small_inventory(), true);
  const auto& changes = answer.body.at("changes");
  const auto& last = changes.at(changes.size() - 1);
  CHECK(last.at("node") == "n2");
  CHECK(
      last.at("effects") ==
      nlohmann::json{
          "it is not drained (`muster node drain n2 --wait` before does that); its identity ends, its certificates are refused and its Node is deleted, and what runs on it goes on until it is switched off or `muster-agent reset --yes` is run there"});
  const auto explained = house.ask("GET", "/v1/operator/enrolment/n2").body.at("machines");
  REQUIRE(explained.size() == 1);
  CHECK(explained[0].at("state") == "removed");
  CHECK(explained[0].at("departedUntil") > unix_seconds(house.time));
}

TEST_CASE("a release that --upgrade names and nobody has is told by the flag") {
  House house;
  const auto answer = house.ask("POST", "/v1/operator/apply",
                                {{"clusters", {"lab"}},
                                 {"files", {{"site.yaml", sample::small_inventory()}}},
                                 {"basedOn", nlohmann::json::object()},
                                 {"upgrade", {"nope"}}});
  CHECK(answer.status == 400);
  CHECK(answer.body.at("problems")[0].at("file") == "--upgrade");
  CHECK(answer.body.at("problems")[0].at("field") == "");
}

TEST_CASE("a publication is one row of the log, with its counts and what caused it") {
  House house;
  house.machine("n1");
  std::ostringstream rows;
  const auto before = spdlog::default_logger();
  auto logger = std::make_shared<spdlog::logger>(
      "rows", std::make_shared<spdlog::sinks::ostream_sink_mt>(rows));
  logger->set_pattern("%l %v");
  spdlog::set_default_logger(logger);
  const auto first = house.apply(sample::small_inventory()).body.at("revision").get<std::string>();
  const auto again = house.apply(sample::small_inventory());
  REQUIRE(house.ask("POST", "/v1/operator/nodes/lab/n1/ban").status == 200);
  spdlog::set_default_logger(before);
  CHECK(
      rows.str() ==
      fmt::format(
          "info operator root: published lab: revision 1 {}: 2 added, 0 changed, 0 removed\n"
          "info operator root: republished lab: revision 2 {}: 0 added, 1 changed, 0 removed, for ban of n1\n"
          "info operator root: ban lab/n1\n",
          first, house.current.cluster("lab")->revision));
}
