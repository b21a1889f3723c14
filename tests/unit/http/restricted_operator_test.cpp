// An operator that may make clusters and nothing else.
#include <thread>

#include "enrolment/operators.hpp"
#include "fakes/unreadable.hpp"
#include "fleet/on_demand.hpp"
#include "fleet/unused_counts.hpp"
#include "sample_pool.hpp"

using namespace muster;

namespace {

const OperatorLimits few{{"small"}, 2, 6, std::chrono::hours(4)};

struct Shop : sample::PoolHouse {
  Shop() {
    const std::string text = sample::small_template();
    for (const char* name : {"small", "big"}) {
      const auto set = ask("PUT", std::string("/v1/operator/templates/") + name,
                           {{"files", {{"t.yaml", text}}}});
      REQUIRE_MESSAGE(set.status == 200, set.body.dump());
    }
  }
  Peer person(const std::string& name, const std::optional<OperatorLimits>& limits) {
    const auto key = PrivateKey::generate_p256().value();
    const std::string csr = CertificateRequest::create(key, "x")->pem();
    const auto made = add_operator(enrolment, name, csr, "operator root", limits);
    REQUIRE(made);
    Peer peer;
    peer.listener = ListenerKind::node;
    peer.certificate = Certificate::from_pem(*made).value();
    peer.certificate_id = peer.certificate->fingerprint();
    return peer;
  }
  sample::Answer create(const std::string& name, const Peer& peer, int nodes = 1,
                        const std::string& from = "small", int seconds = 3600) {
    return ask("POST", "/v1/operator/clusters",
               {{"name", name}, {"template", from}, {"nodes", nodes}, {"ttlSeconds", seconds}},
               peer);
  }
};

// "/v1/operator/nodes/:cluster/:node" -> "/v1/operator/nodes/foreign/x"
std::string filled(std::string_view pattern) {
  std::string path;
  for (std::size_t i = 0; i < pattern.size();) {
    if (pattern[i] != ':') {
      path += pattern[i++];
      continue;
    }
    const std::size_t end = std::min(pattern.find('/', i), pattern.size());
    path += pattern.substr(i, end - i) == ":cluster" ? "foreign" : "x";
    i = end;
  }
  return path;
}

}  // namespace

TEST_CASE("every route of the operator's API but a few is closed to a restricted operator") {
  Shop shop;
  const Peer ci = shop.person("ci", few), anna = shop.person("anna", {});
  REQUIRE(shop.create("foreign", anna).status == 200);
  std::size_t open = 0;
  for (const Route& route : routes()) {
    if (!route.pattern.starts_with("/v1/operator/")) continue;
    CAPTURE(route.pattern);
    const auto answer = shop.ask(std::string(route.method), filled(route.pattern), {}, ci);
    if (route.audience == Audience::operators) {
      CHECK(answer.status == 403);
      CHECK(answer.body.at("kind") == "operator_restricted");
      CHECK(
          answer.message() ==
          "operator ci: it may create clusters from templates, and list, scale, extend and delete its own; for anything else ask an operator without limits");
      continue;
    }
    ++open;
    // What names a cluster is answered like one that is not there.
    if (route.pattern.find(":cluster") != std::string_view::npos) CHECK(answer.status == 404);
  }
  CHECK(open == 9);
  CHECK(shop.ask("GET", "/v1/operator/clusters", {}, ci).body.at("clusters").empty());
  CHECK(shop.ask("GET", "/v1/operator/nodes", {}, ci).body.at("nodes").empty());
  const auto kubeconfig = shop.ask("POST", "/v1/operator/kubeconfig", {{"cluster", "foreign"}}, ci);
  CHECK(kubeconfig.status == 404);
  CHECK(kubeconfig.message() ==
        "cluster 'foreign': not one that operator ci created; `muster cluster list` shows those");
  CHECK(shop.ask("DELETE", "/v1/operator/clusters/foreign", {}, anna).status == 200);
}

TEST_CASE("a restricted operator has its own clusters, within its limits") {
  Shop shop;
  const Peer ci = shop.person("ci", few);
  CHECK(shop.ask("GET", "/v1/operator/templates", {}, ci).body.at("templates").size() == 1);
  const auto other = shop.create("ci-1", ci, 1, "big");
  CHECK(other.status == 403);
  CHECK(other.body.at("kind") == "template_not_allowed");
  CHECK(
      other.message() ==
      "operator ci: expected one of the templates small, found 'big'; have an operator run `muster operator limit ci`");
  const auto longer = shop.create("ci-1", ci, 1, "small", 5 * 3600);
  CHECK(longer.body.at("kind") == "quota_exceeded");
  CHECK(
      longer.message() ==
      "operator ci: expected a cluster to live at most 14400 s from its making, found 18000 s; ask for less, or have an operator run `muster operator limit ci`");
  REQUIRE(shop.create("ci-1", ci, 2).status == 200);
  const auto machines = shop.create("ci-2", ci, 3);
  CHECK(machines.status == 403);
  CHECK(
      machines.message() ==
      "operator ci: expected at most 6 machines at once, 3 are in use and 4 were asked for; ask for fewer, delete a cluster with `muster cluster delete`, or have an operator run `muster operator limit ci`");
  REQUIRE(shop.create("ci-2", ci, 1).status == 200);
  const auto third = shop.create("ci-3", ci, 0);
  CHECK(third.status == 403);
  CHECK(
      third.message() ==
      "operator ci: expected at most 2 clusters at once, 2 are there; delete one with `muster cluster delete`, or have an operator run `muster operator limit ci`");
  const auto scale = [&](const char* name, int nodes) {
    return shop.ask("POST", std::string("/v1/operator/clusters/") + name + "/scale",
                    {{"nodes", nodes}}, ci);
  };
  CHECK(scale("ci-1", 4).status == 403);
  CHECK(scale("ci-1", 3).status == 200);
  CHECK(scale("ci-1", 2).status == 200);
  const auto extend = [&](int seconds) {
    return shop.ask("POST", "/v1/operator/clusters/ci-1/extend", {{"ttlSeconds", seconds}}, ci)
        .status;
  };
  CHECK(extend(4 * 3600) == 200);
  shop.time += std::chrono::hours(1);
  CHECK(extend(4 * 3600) == 403);  // for ever, four hours at a time
  CHECK(extend(3 * 3600) == 200);
  CHECK(shop.ask("GET", "/v1/operator/clusters", {}, ci).body.at("clusters").size() == 2);
  // A place is free again, whoever ended the cluster.
  CHECK(shop.ask("DELETE", "/v1/operator/clusters/ci-2").status == 200);
  CHECK(shop.create("ci-3", ci, 0).status == 200);
  CHECK(shop.ask("DELETE", "/v1/operator/clusters/ci-3", {}, ci).status == 200);
  // Its cluster's kubeconfig, and never past RBAC.
  const auto glass = shop.ask("POST", "/v1/operator/kubeconfig",
                              {{"cluster", "ci-1"}, {"ttlSeconds", 600}, {"breakGlass", true}}, ci);
  CHECK(glass.status == 403);
}

TEST_CASE("limits change at once; a renewed certificate keeps them; lifted, they are gone") {
  Shop shop;
  Peer ci = shop.person("ci", few);
  const auto limit = [&](const nlohmann::json& body) {
    return shop.ask("PUT", "/v1/operator/operators/ci/limits", body);
  };
  CHECK(shop.create("a", ci, 0).status == 200);
  CHECK(limit({{"limits",
                {{"templates", {"big"}}, {"clusters", 1}, {"machines", 1}, {"ttlSeconds", 3600}}}})
            .status == 200);
  CHECK(shop.create("b", ci, 0, "big").body.at("kind") == "quota_exceeded");
  ci = shop.person("ci", {});
  CHECK(shop.create("b", ci, 0, "big").body.at("kind") == "quota_exceeded");
  const auto wrong = limit({{"limits",
                             {{"templates", nlohmann::json::array()},
                              {"clusters", 0},
                              {"machines", 200000},
                              {"ttlSeconds", 5}}}});
  CHECK(wrong.message() ==
        "operator:\n/limits/templates: expected at least one template, found none\n"
        "/limits/clusters: expected 1 to 10000, found 0\n"
        "/limits/machines: expected 1 to 100000, found 200000\n"
        "/limits/ttlSeconds: expected 600 to 2592000, found 5");
  CHECK(limit(nlohmann::json::object()).status == 200);
  CHECK(shop.ask("GET", "/v1/operator/status", {}, ci).status == 200);
  CHECK(shop.create("b", ci, 0, "big").status == 200);
  // Held to limits again: what it made meanwhile counts.
  CHECK(limit({{"limits",
                {{"templates", {"big"}}, {"clusters", 2}, {"machines", 9}, {"ttlSeconds", 3600}}}})
            .status == 200);
  CHECK(shop.create("c", ci, 0, "big").status == 403);
}

TEST_CASE("two orders at once do not both take the last place") {
  Shop shop;
  const Peer ci = shop.person("ci", OperatorLimits{{"small"}, 3, 100, std::chrono::hours(4)});
  std::vector<int> statuses(8);
  std::vector<std::thread> jobs;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    jobs.emplace_back(
        [&, i] { statuses[i] = shop.create(fmt::format("race-{}", i), ci, 0).status; });
  }
  for (auto& job : jobs) job.join();
  CHECK(std::count(statuses.begin(), statuses.end(), 200) == 3);
  CHECK(std::count(statuses.begin(), statuses.end(), 403) == 5);
}

TEST_CASE("unused places of a cluster's tokens end when it is complete, and not before") {
  Shop shop;
  REQUIRE(shop.create("ci", sample::on_admin_socket(0), 2).status == 200);
  const auto left = [&] {
    std::uint32_t places = 0;
    const auto tokens = shop.ask("GET", "/v1/operator/tokens");
    for (const auto& row : tokens.body.at("tokens")) places += row.at("left").get<std::uint32_t>();
    return places;
  };
  CHECK(left() == 3);
  const auto ready = [&](const std::string& name, Role role, int address) {
    if (shop.current.document("ci", name) == nullptr) shop.admit(name, role, address, "ci");
    Report made;
    made.verdict = Verdict::converged;
    shop.hear({"ci", name}, made);
    REQUIRE(revoke_unused_counts(shop.rooms));
  };
  ready("m-1", Role::master, 1);
  ready("w-1", Role::node, 11);
  CHECK(left() == 3);
  ready("w-2", Role::node, 12);
  CHECK(left() == 0);
  CHECK(find_on_demand(shop.store, "ci")->cluster.open_tokens.empty());
  // One that an operator makes afterwards is meant.
  REQUIRE(shop.ask("POST", "/v1/operator/user-data", {{"cluster", "ci"}, {"pool", "w"}}).status ==
          200);
  ready("w-3", Role::node, 13);
  CHECK(left() == 1);
}

TEST_CASE("a cluster is scaled in by its newest members; unused places end") {
  Shop shop;
  REQUIRE(shop.create("ci", sample::on_admin_socket(0), 4).status == 200);
  shop.admit("m-1", Role::master, 1, "ci");
  for (int i : {1, 2, 3}) {
    shop.time += std::chrono::seconds(1);
    shop.admit(fmt::format("w-{}", i), Role::node, 10 + i, "ci");
  }
  const auto scale = [&](int nodes) {
    const auto answer = shop.ask("POST", "/v1/operator/clusters/ci/scale", {{"nodes", nodes}});
    REQUIRE_MESSAGE(answer.status == 200, answer.body.dump());
    return answer.body;
  };
  auto scaled = scale(1);
  CHECK(scaled.at("removing") == nlohmann::json::parse(R"([{"node":"w-3","draining":false},
                                                           {"node":"w-2","draining":false}])"));
  CHECK(scaled.at("userData").empty());
  CHECK(shop.current.document("ci", "w-3") == nullptr);
  CHECK(shop.current.document("ci", "w-1") != nullptr);
  const auto tokens = shop.ask("GET", "/v1/operator/tokens");
  for (const auto& row : tokens.body.at("tokens")) CHECK(row.at("role") == "master");
  scaled = scale(3);
  CHECK(scaled.at("removing").empty());
  CHECK(scaled.at("userData")[0].at("machines") == 2);
  // Two are awaited: of fewer, as many are still awaited as are not there.
  scaled = scale(2);
  CHECK(scaled.at("userData")[0].at("machines") == 1);
}

TEST_CASE("a restricted operator hears of damage, and of no cure, which names what is others'") {
  Shop shop;
  const Peer ci = shop.person("ci", few);
  REQUIRE(shop.create("ci-1", ci).status == 200);
  shop.admit("w-1", Role::node, 11, "ci-1");
  make_unreadable(shop.store, kinds::member, "ci-1/w-1");
  const auto scale = [&](const Peer& peer) {
    return shop.ask("POST", "/v1/operator/clusters/ci-1/scale", {{"nodes", 2}}, peer);
  };
  CHECK(scale(ci).body.at("kind") == "corrupt");
  CHECK(scale(ci).message().find("Cure: ") == std::string::npos);
  CHECK(scale(sample::on_admin_socket(0)).message().find(". Cure: of a member") !=
        std::string::npos);
}
