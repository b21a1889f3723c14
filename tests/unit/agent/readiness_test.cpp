#include "agent/readiness.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

std::string node(const std::string& boot, const std::string& status) {
  return R"({"status":{"nodeInfo":{"bootID":")" + boot +
         R"("},"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":")" +
         status + R"(","reason":"KubeletNotReady","message":"no network"}]}})";
}

std::string why_not(const std::string& json, const std::string& at = {}) {
  const auto ready = parse_node_ready(json, {"boot-2", at});
  return ready ? std::string() : ready.error().message;
}

}  // namespace

TEST_CASE("a node is Ready when kubelet says so in this boot") {
  CHECK(why_not(node("boot-2", "True")) == "");
  CHECK(why_not(node("boot-2", "False")) == "node is not Ready: KubeletNotReady: no network");
}

TEST_CASE("Ready from before the reboot is not believed") {
  const std::string text = "node is not Ready: kubelet has not reported in this boot";
  CHECK(why_not(node("boot-1", "True")) == text);
  CHECK(why_not(R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})") == text);
  CHECK(why_not(R"({"status":{"nodeInfo":{"bootID":"boot-2"}}})") ==
        "node is not Ready: kubelet has not reported yet");
}

TEST_CASE("Ready from before kubelet's restart is not believed") {
  const std::string json =
      R"({"status":{"nodeInfo":{"bootID":"boot-2"},"conditions":[{"type":"Ready","status":"True",)"
      R"("lastHeartbeatTime":"2026-11-21T09:59:59Z"}]}})";
  CHECK(why_not(json, "2026-11-21T09:59:59Z") == "");
  CHECK(why_not(json, "2026-11-21T10:00:00Z") == "node is not Ready: kubelet has not reported yet");
  CHECK(why_not(node("boot-2", "True"), "2026-11-21T10:00:00Z") ==
        "node is not Ready: kubelet has not reported yet");
}

TEST_CASE("the API is waited for, with an end") {
  FakeHost machine;
  FakeSite site(machine.clock);
  FakeNetwork network(site);
  const std::string url = "https://127.0.0.1:6443";
  const auto without = await_api(machine.host, network, url, std::chrono::seconds(1));
  REQUIRE_FALSE(without.has_value());
  CHECK(without.error().kind == ErrorKind::not_found);  // no CA on this machine yet
  machine.files.put(paths::authority("cluster"), site.cluster_ca.certificate().pem());
  const auto began = machine.clock.since_boot();
  network.api_at = began + std::chrono::seconds(5);
  CHECK(await_api(machine.host, network, url, std::chrono::seconds(60)));
  CHECK(machine.clock.since_boot() - began < std::chrono::seconds(6));
  network.api_at = machine.clock.since_boot() + std::chrono::hours(1);
  const auto never = await_api(machine.host, network, url, std::chrono::seconds(3));
  REQUIRE_FALSE(never.has_value());
  CHECK(never.error().message == "connection refused");
}
