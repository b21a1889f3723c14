#include "agent/readiness.hpp"

#include <doctest/doctest.h>

using namespace muster;

namespace {

std::string node(const std::string& boot, const std::string& status) {
  return R"({"status":{"nodeInfo":{"bootID":")" + boot +
         R"("},"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":")" +
         status + R"(","reason":"KubeletNotReady","message":"no network"}]}})";
}

std::string why_not(const std::string& json) {
  const auto ready = parse_node_ready(json, "boot-2");
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
