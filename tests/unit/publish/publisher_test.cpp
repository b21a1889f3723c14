// The loop that publishes what is due.
#include "publish/publisher.hpp"

#include <atomic>
#include <thread>

#include "fakes/soon.hpp"
#include "pki/unix_seconds.hpp"
#include "records/bans.hpp"
#include "records/pool_member.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

const std::string one_pool =
    sample::cluster("  nodeCidr: 10.77.0.0/16\n") + sample::node("m1", "master", 250) + R"(---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec: {cluster: lab, role: node, namePattern: 'ci-{index}', maximum: 200, addressRanges: [10.77.9.0/24], proofs: [token]}
)";

void admit_as_due(Site& site, int index) {
  Transaction transaction;
  const std::string name = fmt::format("ci-{}", index);
  add_member({"lab", name, "ci", Role::node, fmt::format("10.77.9.{}", index), "sha256:k", 1, 0},
             transaction);
  REQUIRE(mark_due(site.store, "lab", "admitted " + name, "member lab/" + name, sample::now,
                   transaction));
  REQUIRE(site.store.commit(transaction));
}

}  // namespace

TEST_CASE("sixty that come at once are one publication or few, and who waits is served") {
  Site site;
  site.publish(one_pool);
  Publisher publisher(site.context);
  std::vector<std::jthread> callers;
  std::atomic<int> served = 0;
  for (int index = 1; index <= 60; ++index) admit_as_due(site, index);
  for (int index = 1; index <= 60; ++index) {
    callers.emplace_back([&publisher, &served, index] {
      const auto brought = publisher.bring_document("lab", fmt::format("ci-{}", index));
      if (brought && *brought) ++served;
    });
  }
  callers.clear();
  CHECK(served == 60);
  CHECK(site.current.cluster("lab")->documents.size() == 61);
  CHECK(site.current.cluster("lab")->revision_number == 2);
  CHECK(publisher.owed()->empty());
}

TEST_CASE("who finds others publishing waits no longer than he wants to, and it stays due") {
  Site site;
  site.publish(sample::small_inventory());
  Publisher publisher(site.context);
  site.set_banned("n1", true);
  std::mutex store_is_busy;
  std::unique_lock busy(store_is_busy);
  std::atomic<bool> is_publishing = false;
  site.context.now = [&] {
    is_publishing = true;
    const std::lock_guard waits(store_is_busy);
    return sample::now;
  };
  std::jthread first([&] { CHECK(publisher.settle("lab")); });
  REQUIRE(soon([&] { return is_publishing.load(); }));
  const auto late = publisher.settle("lab", std::chrono::milliseconds(1));
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::unavailable);
  CHECK(late.error().message ==
        "cluster 'lab': not published within 0 s; it stays due, see `muster status`");
  CHECK(publisher.owed()->size() == 1);
  busy.unlock();
  first.join();
  CHECK(publisher.owed()->empty());
}

TEST_CASE("a mark keeps its age, tells every reason, and goes with the publication") {
  Site site;
  site.publish(sample::small_inventory());
  const auto mark = [&](const char* why, std::chrono::seconds later) {
    Transaction transaction;
    REQUIRE(mark_due(site.store, "lab", why, "operator anna", sample::now + later, transaction));
    REQUIRE(site.store.commit(transaction));
  };
  mark("banned n1", std::chrono::seconds(0));
  mark("banned m1", std::chrono::seconds(60));
  Publisher publisher(site.context);
  const auto owed = publisher.owed().value();
  REQUIRE(owed.size() == 1);
  CHECK(owed[0].mark.since == unix_seconds(sample::now));
  CHECK(owed[0].mark.why == "banned n1; banned m1");
  CHECK(owed[0].refused.empty());
  CHECK_FALSE(owed[0].awaits_signature);
  // Nothing of it changes a document, so that nothing is published, and nothing is owed.
  REQUIRE(publisher.settle("lab"));
  CHECK(publisher.owed()->empty());
  CHECK(site.current.cluster("lab")->revision_number == 1);
}

TEST_CASE("what cannot be published stays due with the reason, and is published when it can be") {
  Site site;
  site.publish(sample::small_inventory());
  Publisher publisher(site.context);
  const auto revision = site.store.get(kinds::revision, kinds::revision_key("lab", 1)).value();
  Transaction lose;
  lose.remove(kinds::revision, revision.key);
  REQUIRE(site.store.commit(lose));
  site.set_banned("n1", true);
  const auto refused = publisher.settle("lab");
  REQUIRE_FALSE(refused);
  CHECK(publisher.owed()->at(0).refused == refused.error().message);
  Transaction find;
  find.put(kinds::revision, revision.key, revision.value);
  REQUIRE(site.store.commit(find));
  REQUIRE(publisher.look());  // too soon after it was refused
  CHECK(publisher.owed()->size() == 1);
  REQUIRE(publisher.settle("lab"));  // but somebody asks
  CHECK(publisher.owed()->empty());
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
}

TEST_CASE("a cluster that nothing was published of is owed nothing") {
  Site site;
  site.set_banned("n1", true);
  Publisher publisher(site.context);
  REQUIRE(publisher.look());
  CHECK(all_due(site.store)->empty());
}

TEST_CASE("who changes something while it is published is owed the next publication") {
  Site site;
  site.publish(sample::small_inventory());
  site.set_banned("n1", true);
  const auto mark = find_due(site.store, "lab").value();
  site.set_banned("n1", false);
  Transaction late;
  clear_due(*mark, late);
  CHECK(site.store.commit(late).error().kind == ErrorKind::conflict);
  CHECK(find_due(site.store, "lab")->has_value());
}

TEST_CASE(
    "a machine whose document is refused keeps what it is served, and the rest is published") {
  Site site;
  site.publish(one_pool + sample::node("n9", "node", 19));
  const auto before = site.current.document("lab", "m1");
  // Of a program that let a name in which this one does not.
  site.set_banned("N_1", true);
  admit_as_due(site, 1);
  Publisher publisher(site.context);
  REQUIRE(publisher.settle("lab"));
  CHECK(site.current.document("lab", "ci-1") != nullptr);
  CHECK(site.current.document("lab", "m1")->etag == before->etag);
  const auto kept = site.current.cluster("lab")->kept;
  REQUIRE(kept.size() == 1);
  CHECK(
      kept.at("m1") ==
      "site.yaml:12:12: /config/bannedMachines/0: expected a document that machines accept, found expected the name of a machine, found 'N_1'");
  // It is told as long as it holds.
  site.set_banned("N_1", false);
  REQUIRE(publisher.settle("lab"));
  CHECK(site.current.cluster("lab")->kept.empty());
  CHECK(site.current.document("lab", "m1")->etag == before->etag);
}

TEST_CASE("a mark that cannot be read is a mark: its cluster is published, and others go on") {
  Site site;
  site.publish(sample::small_inventory());
  Publisher publisher(site.context);
  Transaction spoil;
  spoil.put(kinds::due, "gone", "{\"broken").put(kinds::due, "lab", "{\"broken");
  put_ban("lab", "n1", {}, {}, spoil);
  REQUIRE(site.store.commit(spoil));
  const auto owed = publisher.owed();
  REQUIRE(owed);
  REQUIRE(owed->size() == 2);
  CHECK(owed->at(1).mark.cluster == "lab");
  CHECK(owed->at(1).mark.why == "a mark that cannot be read");
  CHECK(owed->at(1).mark.by == "server");
  CHECK(owed->at(1).mark.since == unix_seconds(sample::now));
  REQUIRE(publisher.look());
  CHECK(all_due(site.store)->empty());
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
}
