#include "agent/etcd/etcd_departure.hpp"

#include <doctest/doctest.h>

#include "fakes/example_document.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

// An etcd of m1, m2, m9, m10 and one that has not started yet.
struct EtcdOfFive {
  FakeProcess process;
  std::vector<std::string> commands;  // without program and credentials
  bool refuses = false;

  EtcdOfFive() {
    process.answer = [this](const ProcessRequest& request) { return answer(request); };
  }

  Result<ProcessOutcome> answer(const ProcessRequest& request) {
    CHECK(request.arguments[1] == "--endpoints=https://10.77.0.11:2379");
    const auto verb = std::find(request.arguments.begin(), request.arguments.end(), "member");
    commands.push_back(fmt::format("{}", fmt::join(verb, request.arguments.end(), " ")));
    if (commands.back().starts_with("member list")) {
      return ProcessOutcome{
          0,
          R"({"header":{"cluster_id":1},"members":[{"ID":1,"name":"m1"},{"ID":2,"name":"m2"},)"
          R"({"ID":9,"name":"m9"},{"ID":10,"name":"m10"},{"ID":11}]})",
          ""};
    }
    if (!refuses) return ProcessOutcome{};
    return ProcessOutcome{1, "", "Error: etcdserver: unhealthy cluster\n"};
  }
};

}  // namespace

TEST_CASE("members of machines that left are removed, and nobody else's") {
  NodeDocument document = example_document();
  // m2 is banned and still a master; m10 is in no document yet: a follower that was just added.
  document.config.banned_machines = {"m2", "m9", "n7"};
  EtcdOfFive etcd;
  CHECK(remove_departed_members(etcd.process, document, {"m2", "m10"}).value().empty());
  CHECK(etcd.commands.empty());
  CHECK(remove_departed_members(etcd.process, document, {"m9", "m10", "n7"}).value() ==
        std::vector<std::string>{"m9"});
  CHECK(etcd.commands ==
        std::vector<std::string>{"member list --write-out=json", "member remove 9"});
}

TEST_CASE("a removal that etcd refuses is told") {
  NodeDocument document = example_document();
  document.config.banned_machines = {"m9"};
  EtcdOfFive etcd;
  etcd.refuses = true;
  const auto removed = remove_departed_members(etcd.process, document, {"m9"});
  REQUIRE_FALSE(removed);
  CHECK(removed.error().message ==
        "etcdctl member remove 9 at https://10.77.0.11:2379: Error: etcdserver: unhealthy cluster");
}
