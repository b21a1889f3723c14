#include "agent/duties/cluster_view.hpp"

#include <doctest/doctest.h>

#include "agent/duties/lease.hpp"
#include "document/time_text.hpp"

using namespace muster;

TEST_CASE("what kubectl 1.36 prints") {
  const auto view = parse_cluster(
      "Lease\tkube-scheduler\t450\t\t\t{\"holderIdentity\":\"m1_ad81\"}\n"
      "Lease\tmuster-duties\t451\t\t{\"muster/applied\":\"sha256:aa\"}\t{\"holderIdentity\":\"m1\",\"leaseTransitions\":1,\"renewTime\":\"2026-11-21T06:46:45.282260Z\"}\n"
      "Node\tm1\t295\t{\"rack\":\"r1\"}\t{\"a\":\"b\"}\t{\"taints\":[{\"effect\":\"NoSchedule\",\"key\":\"x\"}]}\n"
      "Node\tn1\t414\t\t\t{}\n");
  REQUIRE(view.has_value());
  REQUIRE(view->lease.has_value());
  CHECK(view->lease->holder == "m1");
  CHECK(view->lease->transitions == 1);
  REQUIRE(view->nodes.size() == 2);
  CHECK(view->nodes[0].labels.at("rack") == "r1");
  CHECK(view->nodes[0].taints.size() == 1);
  CHECK(view->nodes[1].taints.empty());
}

TEST_CASE("anything else is corrupt") {
  CHECK(parse_cluster("Node\tm1\n").error().message ==
        "kubectl get: expected 6 columns, found 'Node\tm1'");
  CHECK(parse_cluster("Node\tm1\t1\t{\t\t{}\n").error().kind == ErrorKind::corrupt);
}

TEST_CASE("lease times") {
  const auto time = parse_utc("2026-11-21T06:46:45.282260Z");
  REQUIRE(time.has_value());
  CHECK(micro_time(*time) == "2026-11-21T06:46:45.000000Z");
}
