// What machines cause is no other revision of an operator: neither before his order nor meanwhile.
#include "document/time_text.hpp"
#include "fakes/hooked_store.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::back_to;
using sample::Site;

namespace {

std::string inventory(const std::string& more = "") {
  return sample::cluster("  nodeCidr: 10.77.0.0/16\n") + sample::node("m1", "master", 11, more) +
         R"(---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec: {cluster: lab, role: node, namePattern: 'ci-{index}', maximum: 7, addressRanges: [10.77.1.0/24], proofs: [token]}
)";
}

struct Joining : Site {
  HookedStore hooked{store};
  PublishContext meanwhile{hooked, sealing, keys, current, quarantine, context.now};
  int joined = 0;

  Joining() {
    publish(inventory());
    meanwhile.later = context.later;
    meanwhile.service_account_key = context.service_account_key;
  }
  // A member is let in.
  void add() {
    ++joined;
    Transaction transaction;
    const std::string name = fmt::format("ci-{}", joined);
    add_member(
        {"lab", name, "ci", Role::node, fmt::format("10.77.1.{}", joined), "sha256:" + name, 1, 0},
        transaction);
    REQUIRE(
        mark_due(store, "lab", "admitted " + name, "member lab/" + name, sample::now, transaction));
    REQUIRE(store.commit(transaction));
  }
  // And published.
  void join() {
    add();
    must(republish(context, "lab", "server"));
  }
  // One before each of the next commits.
  void join_before_commits(int count) {
    hooked.before_commit = [this, count] {
      join();
      if (count > 1) join_before_commits(count - 1);
    };
  }
};

}  // namespace

TEST_CASE_FIXTURE(Joining,
                  "an order that machines' publications overtake is made again on theirs") {
  join_before_commits(6);
  PublishRequest order = request(inventory(", labels: {a: b}"));
  SUBCASE("based on what he saw") {}
  SUBCASE("based on what is current") {
    order.based_on.clear();
    order.on_current = true;
  }
  must(muster::publish(meanwhile, order));
  CHECK(joined == 6);
  CHECK(document("m1").config.kubelet.labels.at("a") == "b");
  CHECK(document("ci-6").role.address == "10.77.1.6");
}

TEST_CASE_FIXTURE(Joining, "so is a rollback") {
  publish(inventory(", labels: {a: b}"));
  join_before_commits(6);
  must(roll_back(meanwhile, back_to("1")));
  CHECK(joined == 6);
  CHECK(document("m1").config.kubelet.labels.empty());
  CHECK(document("ci-6").role.address == "10.77.1.6");
}

TEST_CASE_FIXTURE(Joining,
                  "machines that are admitted at each attempt do not hold up an operator") {
  const auto order = request(inventory(", labels: {a: b}"));
  int attempts = 0;
  const std::function<void()> admit = [&] {
    ++attempts;
    add();
    hooked.before_commit = admit;
  };
  hooked.before_commit = admit;
  must(muster::publish(meanwhile, order));
  CHECK(attempts == 2);
  CHECK(document("m1").config.kubelet.labels.at("a") == "b");
  // Who came after that look is owed a publication, and gets it.
  REQUIRE(find_due(store, "lab").value());
  must(republish(context, "lab", "server"));
  CHECK_FALSE(find_due(store, "lab").value());
  CHECK(document("ci-2").role.address == "10.77.1.2");
}

TEST_CASE_FIXTURE(Joining, "a rollback that another operator's revision overtakes is refused") {
  publish(inventory(", labels: {a: b}"));
  hooked.before_commit = [&] {
    join();
    publish(inventory(", labels: {a: c}"));
    join();
  };
  const auto refused = roll_back(meanwhile, back_to("1"));
  REQUIRE_FALSE(refused);
  CHECK(
      refused.error().error.message ==
      fmt::format(
          "cluster 'lab': operator anna published {} at {}. Somebody changed it while this was being published, and nothing was. See what is there now with `muster diff`, then do it again.",
          current.cluster("lab")->revision, utc_text(sample::now)));
  CHECK(document("m1").config.kubelet.labels.at("a") == "c");
}

TEST_CASE_FIXTURE(Joining, "based on a revision is based on what machines made of it since") {
  PublishRequest order = request(inventory(", labels: {a: b}"));
  PublishRequest late = request(inventory(", labels: {a: c}"));
  join();
  join();
  CHECK(current.cluster("lab")->revision != order.based_on.at("lab"));
  must(muster::publish(context, order));
  join();
  // Another operator's is another one.
  const auto refused = muster::publish(context, late);
  REQUIRE_FALSE(refused);
  CHECK_MESSAGE(refused.error().error.message.starts_with(
                    "cluster 'lab': based on revision " + late.based_on.at("lab") +
                    ", but operator anna published " + current.cluster("lab")->revision),
                refused.error().error.message);
  late.based_on.at("lab") = current.cluster("lab")->revision;
  join();
  must(muster::publish(context, late));
  CHECK(document("m1").config.kubelet.labels.at("a") == "c");
}
