// Which agent is given which document, and who is told that one is too old for its own.
#include "document/document_format.hpp"

#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

nlohmann::json report_by(const std::string& agent_version) {
  Report made;
  made.machine_id = "m";
  made.boot_id = "b";
  made.counter = 1;
  made.agent_version = agent_version;
  made.verdict = Verdict::converged;
  return nlohmann::json::parse(to_json(made));
}

// A later version's: a field that has been there from the start, and that m1 has and n1 has not.
constexpr LaterField later[] = {{"/config/kubelet/labels/rack", 2}};

}  // namespace

TEST_CASE("an agent is served a document of a format that it reads, and no older form of another") {
  House house;
  house.publishing.later = later;
  house.apply(sample::small_inventory());
  const auto n1 = house.machine("n1");
  const auto ask = [&](const std::string& reads) {
    std::map<std::string, std::string> headers;
    if (!reads.empty()) headers["muster-document-format"] = reads;
    return house.ask("GET", "/v1/document", {}, n1, headers);
  };
  const auto today = ask("");
  REQUIRE(today.status == 200);
  CHECK(ask("1").body == today.body);
  CHECK(ask("2").body == today.body);
  house.apply(sample::small_inventory(", labels: {rack: r1}"));
  const auto next = ask("2");
  REQUIRE(next.status == 200);
  CHECK(next.body != today.body);
  CHECK(ask("7").body == next.body);
  // The same after a start, as the store has it.
  REQUIRE(house.views.load());
  for (const char* reads : {"", "1"}) {
    const auto refused = ask(reads);
    CHECK(refused.status == 409);
    CHECK(refused.body.at("kind") == "agent_too_old");
    CHECK(
        refused.message() ==
        "document of 'lab/n1': it has format 2, and this machine's agent reads 1; upgrade its agent (units/README.md), it keeps to the document that it has until then");
  }
  CHECK(ask("two").message() ==
        "Muster-Document-Format: expected the newest format that is read, such as 1, found 'two'");
  CHECK(house.ask("GET", "/v1/document", {}, n1, {{"muster-document-format", ""}}).status == 400);
  CHECK(ask("0").status == 400);
  CHECK(ask("1, 2").status == 400);
}

TEST_CASE("the format of a document outlives the server, and costs nothing where it is the first") {
  PublishedDocument published{"sha256:c", "sha256:d", "{}", 7, 1};
  CHECK(to_json(published) ==
        R"({"content":"sha256:c","digest":"sha256:d","envelope":"{}","generation":7})");
  published.format = 2;
  CHECK(to_served(parse_published_document(to_json(published)).value())->format == 2);
  published.format = 1;
  CHECK(to_served(parse_published_document(to_json(published)).value())->format == 1);
}

TEST_CASE("apply and node show name the machine whose agent is too old for what is published") {
  House house;
  house.publishing.later = later;
  house.site.add_release("kubernetes-node", "1.36.3");
  house.site.add_release("kubernetes-control-plane", "1.36.3");
  house.apply(sample::small_inventory());
  const auto n1 = house.machine("n1"), m1 = house.machine("m1");
  REQUIRE(house.ask("POST", "/v1/report", report_by("0.1.0"), n1).status == 200);
  REQUIRE(house.ask("POST", "/v1/report", report_by("0.2.0"), m1).status == 200);
  const auto documents = house.current.cluster("lab");
  const auto releases = read_document(*documents->documents.find("n1")).value().config.releases;
  const bool is_split =
      std::any_of(releases.begin(), releases.end(),
                  [](const ReleaseReference& r) { return r.name == "kubernetes-node"; });
  REQUIRE(is_split);
  const std::string expected =
      "upgrade the agent of n1 first: '0.1.0' refuses a document with the releases kubernetes-node and kubernetes-control-plane, which 0.2.0 reads; it keeps to the document that it has until then";
  const auto applied = house.apply(sample::small_inventory());
  for (const auto& change : applied.body.at("changes")) {
    CHECK(change.value("agentTooOld", "") == (change.at("node") == "n1" ? expected : ""));
  }
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/n1").body.at("agentTooOld") == expected);
  CHECK(house.ask("GET", "/v1/operator/nodes/lab/m1").body.at("agentTooOld") == "");
  // Told before it is published, of the field.
  const auto preview =
      house.ask("POST", "/v1/operator/apply",
                {{"clusters", {"lab"}},
                 {"files", {{"site.yaml", sample::small_inventory(", labels: {rack: r1}")}}},
                 {"basedOn", {{"lab", house.current.cluster("lab")->revision}}},
                 {"dryRun", true}});
  for (const auto& change : preview.body.at("changes")) {
    if (change.at("node") == "n1") {
      CHECK(
          change.at("agentTooOld") ==
          "upgrade the agent of n1 first: '0.1.0' reads document format 1, expected 2 for /config/kubelet/labels/rack; it keeps to the document that it has until then");
    }
  }
}
