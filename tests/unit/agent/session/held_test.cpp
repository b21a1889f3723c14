// What a machine shows to a server that was restored, and that it goes on meanwhile.
#include "agent/session/held.hpp"

#include <nlohmann/json.hpp>

#include "fetch_fixture.hpp"

using namespace muster;

TEST_CASE_FIXTURE(FetchingMachine, "a sealed server is shown what the site signed, now and then") {
  REQUIRE(fetch_now().error == "");
  CHECK(site.shown.empty());
  site.is_sealed = true;
  const auto seen = fetch_now();
  CHECK(seen.error == "");
  CHECK(seen.document == 5);
  CHECK(seen.refused.find("cluster 'lab': sealed") != std::string::npos);
  REQUIRE(site.shown.size() == 1);
  const auto held = nlohmann::json::parse(site.shown[0]);
  CHECK(held["document"] == nlohmann::json::parse(to_json(site.document_envelope)));
  CHECK(held["peers"] == nlohmann::json::parse(to_json(site.peers_envelope)));
}
