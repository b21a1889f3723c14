// A server that is busy is left alone as long as it asks for.
#include "agent/session/real_network.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "fakes/fake_http_service.hpp"

using namespace muster;

namespace {

HttpReply busy(int status, const std::string& seconds) {
  return {status, R"({"kind":"x","message":"too busy"})", {"Retry-After: " + seconds}};
}

TlsClientSettings unverified() {
  TlsClientSettings tls;
  tls.verify_server = false;
  return tls;
}

}  // namespace

TEST_CASE(
    "a busy server is not asked before it wants to be, by no path and at none of its addresses") {
  for (const int status : {429, 503}) {
    CAPTURE(status);
    FakeHttpService node([&](const std::string&) { return busy(status, "1"); });
    FakeHttpService other([&](const std::string&) { return busy(status, "1"); });
    RealNetwork network;
    const auto server = network.connect({node.url(), other.url()}, {});
    const auto first = server->document("");
    REQUIRE_FALSE(first);
    CHECK(first.error().message == fmt::format("GET {}/v1/document: too busy", node.url()));
    const auto report = server->report({});
    REQUIRE_FALSE(report);
    CHECK(report.error().message == first.error().message);
    CHECK(report.error().kind == first.error().kind);
    CHECK_FALSE(server->trust());
    CHECK_FALSE(network.connect({other.url()}, {})->trust());
    CHECK(node.requests().size() == 1);
    CHECK(other.requests().empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(1050));
    CHECK_FALSE(server->trust());
    CHECK(node.requests().size() + other.requests().size() == 2);
  }
}

TEST_CASE("a server that is sealed asks at once for what the machine holds, and is asked again") {
  FakeHttpService server([](const std::string& request) {
    if (request.find("/v1/held") != std::string::npos) return HttpReply{204, "", {}};
    return HttpReply{503, R"({"kind":"sealed","message":"sealed"})", {"Retry-After: 600"}};
  });
  RealNetwork network;
  const auto connection = network.connect({server.url()}, {});
  for (int i = 0; i < 2; ++i) {
    const auto answer = connection->document("");
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == "sealed");
    CHECK(connection->show_held("{}"));
  }
  CHECK(server.requests().size() == 4);
}

TEST_CASE("of whom nobody vouches, only the address that answered is left alone") {
  FakeHttpService stranger([](const std::string&) { return busy(503, "600"); });
  FakeHttpService server([](const std::string&) { return HttpReply{200, R"({"chain":[]})", {}}; });
  RealNetwork network;
  for (int i = 0; i < 2; ++i)
    CHECK(network.connect({stranger.url(), server.url()}, unverified())->trust());
  CHECK(stranger.requests().size() == 1);
  CHECK(server.requests().size() == 2);
  CHECK(network.connect({server.url()}, {})->trust());
}

TEST_CASE("a source that is busy is not asked for other files, others are") {
  FakeHttpService source([](const std::string&) { return busy(503, "600"); });
  FakeHttpService mirror([](const std::string&) { return HttpReply{200, "x", {}}; });
  RealNetwork network;
  Download wanted;
  wanted.path = "/v1/artifacts/a";
  wanted.sink = [](std::string_view, Coding) { return true; };
  for (int i = 0; i < 2; ++i) {
    const auto refused = network.download(source.url(), wanted);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "too busy");
  }
  CHECK(network.download(mirror.url(), wanted) == 200);
  CHECK(source.requests().size() == 1);
}
