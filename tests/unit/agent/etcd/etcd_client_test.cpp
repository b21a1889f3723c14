#include "agent/etcd/etcd_client.hpp"

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
  const auto* first = members->by_peer_url("https://10.77.0.11:2380");
  REQUIRE(first != nullptr);
  CHECK(first->id == "8e9e05c52164694d");
  CHECK(first->name == "m1");
  CHECK_FALSE(first->is_learner);
  const auto* second = members->by_peer_url("https://10.77.0.12:2380");
  REQUIRE(second != nullptr);
  CHECK(second->name.empty());
  CHECK(second->is_learner);
  // A machine's own: by id wherever it listens, by name at another address, by URL before it
  // started.
  CHECK(members->own("8e9e05c52164694d", "m9", "https://10.77.0.99:2380") == first);
  CHECK(members->own("", "m1", "https://10.77.0.99:2380") == first);
  CHECK(members->own("ff", "m2", "https://10.77.0.12:2380") == second);
  CHECK(members->own("", "m9", "https://10.77.0.11:2380") == nullptr);
  CHECK(members->by_peer_url("https://10.77.0.13:2380") == nullptr);
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

TEST_CASE("statuses and alarms are read from etcdctl's JSON") {
  // Of etcdctl 3.6.16, shortened.
  const auto statuses = parse_statuses(
      R"([{"Endpoint":"https://a:2379","Status":{"header":{"cluster_id":1,"member_id":10,)"
      R"("revision":7,"raft_term":2},"version":"3.6.16","dbSize":2826240,"leader":11,)"
      R"("errors":["memberID:11 alarm:NOSPACE "],"dbSizeInUse":413696,"dbSizeQuota":2000000}}])");
  REQUIRE(statuses);
  REQUIRE(statuses->size() == 1);
  const auto& status = statuses->front();
  CHECK(status.endpoint == "https://a:2379");
  CHECK(status.member_id == "a");
  CHECK_FALSE(status.is_leader());
  CHECK(status.revision == 7);
  CHECK(status.size == 2826240);
  CHECK(status.size_in_use == 413696);
  CHECK(status.quota == 2000000);
  CHECK(status.has_no_space);
  CHECK_FALSE(status.is_corrupt);
  CHECK(parse_statuses("{}").error().message == "etcdctl endpoint status: expected a list");
}
