#include "publish/publisher.hpp"
#include "publish/retired_members.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

const std::string machines_network = "  nodeCidr: 10.77.0.0/16\n";

std::string pool(const std::string& name, const std::string& role, const std::string& more = "") {
  return "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: " + name +
         "}\nspec: {cluster: lab, role: " + role + ", namePattern: '" + name +
         "-{index}', maximum: 7, addressRanges: [10.77.1.0/24], proofs: [token]" + more + "}\n";
}

void admit(Site& site, const std::string& name, Role role, int address) {
  Transaction transaction;
  add_member({"lab", name, name.substr(0, name.find('-')), role, fmt::format("10.77.1.{}", address),
              "sha256:" + name, 1, 0},
             transaction);
  REQUIRE(mark_due(site.store, "lab", "admitted " + name, "member lab/" + name, sample::now,
                   transaction));
  REQUIRE(site.store.commit(transaction));
}

Result<bool> publish_member(Publisher& publisher, const std::string& name) {
  return publisher.bring_document("lab", name);
}

std::uint64_t revisions(const Site& site) {
  return site.current.cluster("lab")->revision_number;
}

}  // namespace

TEST_CASE("a member is served with the publication that its admission asks for") {
  Site site;
  site.publish(sample::cluster(machines_network) + sample::node("m1", "master", 11) +
               sample::node("n9", "node", 19) + pool("ci", "node"));
  Publisher publisher(site.context);
  admit(site, "ci-1", Role::node, 1);
  admit(site, "ci-2", Role::node, 2);
  CHECK(publish_member(publisher, "ci-1").value());
  CHECK(site.document("ci-1").role.address == "10.77.1.1");
  CHECK(site.document("ci-1").generation == 2);
  CHECK(site.document("m1").generation == 1);  // nothing of it changed
  // The second one came along, and costs no publication.
  CHECK(publish_member(publisher, "ci-2").value());
  CHECK(revisions(site) == 2);
  CHECK(site.document("ci-2").role.pod_cidr != site.document("ci-1").role.pod_cidr);
}

TEST_CASE("the last master that is awaited brings the documents of all") {
  Site site;
  site.publish(sample::cluster(machines_network) + pool("m", "master", ", minimum: 2") +
               pool("ci", "node"));
  CHECK(site.current.cluster("lab")->documents.empty());
  Publisher publisher(site.context);
  admit(site, "m-1", Role::master, 1);
  CHECK_FALSE(publish_member(publisher, "m-1").value());
  admit(site, "ci-1", Role::node, 9);
  CHECK_FALSE(publish_member(publisher, "ci-1").value());
  CHECK_FALSE(publish_member(publisher, "ci-1").value());
  CHECK(revisions(site) == 1);
  admit(site, "m-2", Role::follower, 2);
  CHECK(publish_member(publisher, "m-2").value());
  CHECK(publish_member(publisher, "m-1").value());
  CHECK(publish_member(publisher, "ci-1").value());
  CHECK(revisions(site) == 2);
  CHECK(site.document("ci-1").role.cluster.masters.size() == 2);
}

TEST_CASE("a member that was removed is served no more; its network waits with its name") {
  Site site;
  site.publish(sample::cluster(machines_network) + sample::node("m1", "master", 11) +
               pool("ci", "node"));
  Publisher publisher(site.context);
  admit(site, "ci-1", Role::node, 1);
  CHECK(publish_member(publisher, "ci-1").value());
  const std::string network = site.document("ci-1").role.pod_cidr;
  Transaction transaction;
  retire_member(**find_member(site.store, "lab", "ci-1"), 1000, transaction);
  REQUIRE(site.store.commit(transaction));
  CHECK(release_retired_members(site.store, *site.context.memory, "lab", 1000,
                                std::chrono::seconds(900), {true, site.current.cluster("lab"), {}})
            ->is_served);
  REQUIRE(republish(site.context, "lab", "operator anna"));
  CHECK_FALSE(site.current.document("lab", "ci-1"));
  admit(site, "ci-2", Role::node, 2);
  CHECK(publish_member(publisher, "ci-2").value());
  CHECK(site.document("ci-2").role.pod_cidr != network);
  NodeObjects nodes{true, site.current.cluster("lab"), {}};
  const auto release = [&](std::int64_t now) {
    return release_retired_members(site.store, *site.context.memory, "lab", now,
                                   std::chrono::seconds(900), nodes)
        ->released;
  };
  CHECK(release(1900) == 0);  // nobody told that its Node object is gone
  const std::uint64_t left = nodes.served->peers->generation;
  nodes.duties = DutiesReport{left - 1, {}, {}};  // of a list that still had it
  CHECK(release(1900) == 0);
  nodes.duties = DutiesReport{left, {"ci-1"}, {}};
  CHECK(release(1900) == 0);
  nodes.duties = DutiesReport{left, {}, {}};
  CHECK(release(1899) == 0);  // gone, and the quarantine lasts
  CHECK(release(1900) == 1);
  CHECK_FALSE(*find_member_at(site.store, "10.77.1.1"));
  admit(site, "ci-1", Role::node, 1);
  CHECK(publish_member(publisher, "ci-1").value());
  CHECK(site.document("ci-1").role.pod_cidr == network);
}

TEST_CASE("a listed machine takes no address that a pool's machine has, or had a moment ago") {
  Site site;
  site.publish(sample::cluster(machines_network) + sample::node("m1", "master", 11) +
               pool("ci", "node"));
  admit(site, "ci-1", Role::node, 1);
  const std::string other =
      sample::cluster("  podCidr: 10.80.0.0/16\n" + machines_network, "other") +
      "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: a}\nspec: {cluster: other, role: master, address: 10.77.1.1}\n";
  const std::string start =
      "cluster 'other':\nmachine 'other/a': expected an address that is free, found 10.77.1.1, which 'lab/ci-1' of pool 'ci' ";
  auto refused = publish(site.context, site.request(other));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error.kind == ErrorKind::conflict);
  CHECK(refused.error().error.message == start + "has; give one of them another");
  auto member = find_member(site.store, "lab", "ci-1");
  REQUIRE(member->has_value());
  Transaction transaction;
  retire_member(**member, 5, transaction);
  REQUIRE(site.store.commit(transaction));
  refused = publish(site.context, site.request(other));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().error.message ==
        start + "had until a short time ago; it is free some minutes after");
}

TEST_CASE("where no API server ever was, there is no Node object to wait for") {
  Site site;
  admit(site, "ci-1", Role::node, 1);
  Transaction transaction;
  retire_member(**find_member(site.store, "lab", "ci-1"), 1000, transaction);
  REQUIRE(site.store.commit(transaction));
  const NodeObjects nodes{false, nullptr, {}};
  const auto retired = release_retired_members(site.store, *site.context.memory, "lab", 1900,
                                               std::chrono::seconds(900), nodes);
  CHECK(retired->released == 1);
}

TEST_CASE("members of a pool that is taken out of the inventory go with it") {
  Site site;
  const std::string rest = sample::cluster(machines_network) + sample::node("m1", "master", 11);
  site.publish(rest + pool("ci", "node"));
  Publisher publisher(site.context);
  admit(site, "ci-1", Role::node, 1);
  CHECK(publish_member(publisher, "ci-1").value());
  auto request = site.request(rest);
  CHECK_FALSE(publish(site.context, request));
  request.remove = true;
  REQUIRE(publish(site.context, request));
  CHECK_FALSE(site.current.document("lab", "ci-1"));
  CHECK((*find_member(site.store, "lab", "ci-1"))->record.removed_at != 0);
  // Refused by the API servers with the publication that takes them out, not with the next one.
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"ci-1"});
}

TEST_CASE("a rollback to before a pool refuses the pool's members at once") {
  Site site;
  const std::string rest = sample::cluster(machines_network) + sample::node("m1", "master", 11);
  site.publish(rest);
  site.publish(rest + pool("ci", "node"));
  Publisher publisher(site.context);
  admit(site, "ci-1", Role::node, 1);
  CHECK(publish_member(publisher, "ci-1").value());
  auto back = sample::back_to("1");
  back.remove = true;
  REQUIRE(roll_back(site.context, back));
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"ci-1"});
}

TEST_CASE("a pool that comes or changes is a revision, though no document shows it") {
  Site site;
  const std::string rest = sample::cluster(machines_network) + sample::node("m1", "master", 11);
  site.publish(rest);
  site.publish(rest + pool("ci", "node"));
  CHECK(revisions(site) == 2);
  CHECK(site.document("m1").generation == 1);
  CHECK(published_inventory(site.store, "lab")->pools.size() == 1);
  site.publish(rest + pool("ci", "node", ", vanishedAfter: 2h"));
  site.publish(rest + pool("ci", "node", ", vanishedAfter: 2h, labels: {a: b}"));
  CHECK(revisions(site) == 4);
  site.publish(rest + pool("ci", "node", ", vanishedAfter: 2h, labels: {a: b}"));
  CHECK(revisions(site) == 4);
}

TEST_CASE("a cluster that cannot be published says why to whoever may ask again") {
  Site site;
  site.publish(sample::cluster(machines_network) + sample::node("m1", "master", 11) +
               pool("ci", "node"));
  Publisher publisher(site.context);
  admit(site, "ci-1", Role::node, 11);
  Transaction transaction;
  transaction.remove(kinds::revision, kinds::revision_key("lab", 1));
  REQUIRE(site.store.commit(transaction));
  const auto published = publish_member(publisher, "ci-1");
  REQUIRE_FALSE(published);
  CHECK(published.error().kind == ErrorKind::unavailable);
  CHECK(published.error().message.starts_with(
      "machine 'lab/ci-1': its cluster cannot be published: "));
}
