#include "agent/etcd_client.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_host.hpp"

using namespace muster;

TEST_CASE("members are read from etcdctl's JSON") {
  // Of etcdctl 3.6.16.
  const auto members = parse_members(
      R"({"header":{"cluster_id":14841639068965178418,"member_id":10276657743932975437,)"
      R"("raft_term":2},"members":[{"ID":10276657743932975437,"name":"m1",)"
      R"("peerURLs":["https://10.77.0.11:2380"],"clientURLs":["https://10.77.0.11:2379"]},)"
      R"({"ID":1,"peerURLs":["https://10.77.0.12:2380"],"isLearner":true}]})");
  REQUIRE(members);
  CHECK(members->cluster_id == "cdf818194e3a8c32");
  const auto* first = members->find("https://10.77.0.11:2380");
  REQUIRE(first != nullptr);
  CHECK(first->id == "8e9e05c52164694d");
  CHECK(first->name == "m1");
  CHECK_FALSE(first->is_learner);
  const auto* second = members->find("https://10.77.0.12:2380");
  REQUIRE(second != nullptr);
  CHECK(second->name.empty());
  CHECK(second->is_learner);
  CHECK(members->find("https://10.77.0.13:2380") == nullptr);
}

TEST_CASE("healthy endpoints are read although etcdctl exits 1") {
  FakeProcess process;
  process.answer = [](const ProcessRequest&) {
    // Of etcdctl 3.6.16.
    return ProcessOutcome{1,
                          R"([{"endpoint":"https://a:2379","health":true,"took":"7.9ms"},)"
                          R"({"endpoint":"https://b:2379","health":false,"took":"5.0s",)"
                          R"("error":"context deadline exceeded"}])",
                          "Error: unhealthy cluster\n"};
  };
  const auto healthy =
      EtcdClient(process, {"https://a:2379", "https://b:2379"}).healthy_endpoints();
  REQUIRE(healthy);
  CHECK(*healthy == std::vector<std::string>{"https://a:2379"});
  CHECK(parse_health("{}").error().message == "etcdctl endpoint health: expected a list");
}

TEST_CASE("etcdctl's failure is its last line") {
  FakeProcess process;
  process.answer = [](const ProcessRequest&) {
    return ProcessOutcome{1, "", "{\"level\":\"warn\"}\nError: context deadline exceeded\n"};
  };
  EtcdClient client(process, {"https://a:2379"});
  CHECK(client.promote("1f").error().message ==
        "etcdctl member promote 1f at https://a:2379: Error: context deadline exceeded");
}
