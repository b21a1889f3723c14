#include "fleet/on_demand.hpp"

#include "publish/publisher.hpp"
#include "publish/templates.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "unit/publish/sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

std::string pool_text(const std::string& name, const std::string& role) {
  return "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: " + name +
         "}\nspec: {cluster: small, role: " + role + ", namePattern: '" + name +
         "-{index}', maximum: 5, addressRanges: [10.77.1.0/24], proofs: [token]}\n";
}

std::string small() {
  return sample::cluster("  nodeCidr: 10.77.0.0/16\n", "small") + pool_text("m", "master") +
         pool_text("w", "node");
}

Published<void> set(Site& site, const std::string& text) {
  return set_template(site.store, {"small", {{"small.yaml", text}}, "operator anna", 5},
                      sample::now);
}

NewCluster order(const std::string& name, std::uint32_t masters = 1, std::uint32_t nodes = 2) {
  return {name, "small", masters, nodes, std::chrono::hours(4), "operator anna"};
}

std::string refusal(const Published<OnDemandCluster>& published) {
  REQUIRE_FALSE(published);
  return published.error().error.message;
}

bool admit(Site& site, const std::string& cluster, const std::string& name, Role role, int last) {
  Transaction transaction;
  add_member(
      {cluster, name, name.substr(0, 1), role, fmt::format("10.77.1.{}", last), "sha256:k", 1, 0},
      transaction);
  REQUIRE(mark_due(site.store, cluster, "admitted " + name, "member " + name, sample::now,
                   transaction));
  REQUIRE(site.store.commit(transaction));
  return Publisher(site.context).bring_document(cluster, name).value();
}

std::size_t records(const Site& site) {
  std::size_t count = 0;
  for (const auto kind :
       {kinds::cluster, kinds::revision, kinds::publication, kinds::due, kinds::document,
        kinds::peers, kinds::secret, kinds::member, kinds::address, kinds::on_demand})
    count += *site.store.count(kind);
  return count + *site.store.count(kinds::authority);
}

}  // namespace

TEST_CASE("a template is one cluster with a pool of masters and a pool of nodes") {
  Site site;
  REQUIRE(set(site, small()));
  CHECK(list_templates(site.store)->size() == 1);
  const auto wrong =
      set(site, small() + sample::node("n1", "node", 21, "", "small") + "---\n" +
                    sample::cluster("", "zoo") + sample::node("z1", "master", 11, "", "zoo"));
  REQUIRE_FALSE(wrong);
  CHECK(
      to_text(wrong.error().problems) ==
      "small.yaml:22:12: kind: expected no Node in a template, whose machines nobody lists, found 'n1'\n"
      "small.yaml:27:12: metadata.name: expected one Cluster in a template, found 'zoo'\n"
      "small.yaml:35:12: kind: expected no Node in a template, whose machines nobody lists, found 'z1'\n");
  const auto none = set(site, sample::small_inventory());
  CHECK(to_text(none.error().problems)
            .find("one NodePool of role master in a template, found none") != std::string::npos);
  REQUIRE(remove_template(site.store, "small", sample::now, "operator anna"));
  CHECK(
      find_template(site.store, "small").error().message ==
      "template 'small': there is none; `muster template list` shows those there are, `muster template set NAME DIR` makes one");
}

TEST_CASE("a cluster of a template is its own: authorities, name, masters") {
  Site site;
  REQUIRE(set(site, small()));
  const auto made = create_cluster(site.context, order("ci-1", 3));
  REQUIRE_MESSAGE(made, to_text(made.error().problems));
  REQUIRE(create_cluster(site.context, order("ci-2")));
  CHECK(made->masters_pool == "m");
  CHECK(made->nodes_pool == "w");
  CHECK(made->expires_at == made->created_at + 4 * 3600);
  CHECK(list_on_demand(site.store)->size() == 2);
  CHECK_FALSE(admit(site, "ci-1", "m-1", Role::master, 1));
  CHECK_FALSE(admit(site, "ci-1", "w-1", Role::node, 9));
  CHECK_FALSE(admit(site, "ci-1", "m-2", Role::follower, 2));
  CHECK(admit(site, "ci-2", "m-1", Role::master, 11));
  CHECK(admit(site, "ci-1", "m-3", Role::follower, 3));
  const NodeDocument one = site.document("w-1", "ci-1"), two = site.document("m-1", "ci-2");
  CHECK(one.role.cluster.name == "ci-1");
  CHECK(one.role.cluster.masters.size() == 3);
  CHECK(two.role.cluster.name == "ci-2");
  CHECK(one.role.cluster.authorities != two.role.cluster.authorities);
  // Another start of the server reads the same.
  Quarantine quarantine;
  CurrentDocuments again(quarantine);
  REQUIRE(again.load(site.store));
  CHECK(again.document("ci-1", "w-1")->etag == site.current.document("ci-1", "w-1")->etag);
  CHECK(published_inventory(site.store, "ci-1")->clusters.contains("ci-1"));
}

TEST_CASE("what cannot be made is told at once, and makes nothing") {
  Site site;
  REQUIRE(set(site, small()));
  const std::size_t before = records(site);
  CHECK(
      refusal(create_cluster(site.context, {"Ci", "small", 2, 6, std::chrono::seconds(5), "x"})) ==
      "cluster:\n"
      "/name: expected a name such as 'ci-42', found 'Ci'\n"
      "/masters: expected 1, 3, 5 or 7, found 2\n"
      "/nodes: expected at most 5, the maximum of the template's pool 'w', found 6\n"
      "/ttlSeconds: expected 600 to 2592000, found 5");
  CHECK(refusal(create_cluster(site.context, {"ci", "big", 1, 1, std::chrono::hours(1), "x"}))
            .starts_with("template 'big': there is none"));
  CHECK(records(site) == before);
  REQUIRE(create_cluster(site.context, order("ci")));
  CHECK(
      refusal(create_cluster(site.context, order("ci"))) ==
      "cluster 'ci': there is one of that name; take another. Where it was made, and what its machines are started with is lost: `muster cluster scale ci --nodes 2 --again --user-data-dir DIR`");
}

TEST_CASE("apply keeps off a cluster that was made on demand") {
  Site site;
  REQUIRE(set(site, small()));
  REQUIRE(create_cluster(site.context, order("lab")));
  auto request = site.request(sample::small_inventory());
  const auto refused = publish(site.context, request);
  REQUIRE_FALSE(refused);
  CHECK(
      refused.error().error.message ==
      "cluster 'lab': made on demand, and the server's own until it expires. Take another name, or end it with `muster cluster delete`.");
}

TEST_CASE("a cluster that is deleted leaves nothing, and its name is free") {
  Site site;
  REQUIRE(set(site, small()));
  const std::size_t before = records(site);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(create_cluster(site.context, order("ci")));
    CHECK(admit(site, "ci", "m-1", Role::master, 1));
    CHECK(admit(site, "ci", "w-1", Role::node, 2));
    Transaction transaction;
    REQUIRE(delete_cluster(site.context, ClusterKind::on_demand, "ci", "operator anna",
                           "cluster-deleted", std::move(transaction)));
    CHECK(records(site) == before);
    CHECK_FALSE(site.current.cluster("ci"));
  }
  for (const auto kind : {ClusterKind::on_demand, ClusterKind::listed}) {
    CHECK(delete_cluster(site.context, kind, "ci", "x", "cluster-deleted", {}).error().kind ==
          ErrorKind::not_found);
  }
}

TEST_CASE("a cluster is scaled up within its template, and extended") {
  Site site;
  REQUIRE(set(site, small()));
  const auto made = create_cluster(site.context, order("ci"));
  REQUIRE(made);
  const auto scaled = scale_cluster(site.context, "ci", 5, "operator anna");
  REQUIRE(scaled);
  CHECK(scaled->more == 3);
  CHECK(scale_cluster(site.context, "ci", 6, "x")
            .error()
            .message.find("/nodes: expected at most 5") != std::string::npos);
  const auto extended = extend_cluster(site.context, "ci", std::chrono::hours(8), "operator anna");
  REQUIRE(extended);
  CHECK(extended->expires_at == made->created_at + 8 * 3600);
  CHECK_FALSE(extend_cluster(site.context, "ci", std::chrono::hours(24 * 31), "x"));
  CHECK(
      extend_cluster(site.context, "other", std::chrono::hours(1), "x").error().message ==
      "cluster 'other': not one that was made on demand; `muster cluster list` shows those there are");
}

TEST_CASE("a scale-in takes the newest, and of one second those with the highest index") {
  Site site;
  REQUIRE(set(site, small()));
  REQUIRE(create_cluster(site.context, order("ci")));
  REQUIRE(scale_cluster(site.context, "ci", 5, "operator anna"));
  Transaction transaction;
  int last = 10;
  for (const auto& [node, admitted_at] : std::vector<std::pair<std::string, std::int64_t>>{
           {"n-1", 200}, {"n-2", 100}, {"n-3", 200}, {"n-4", 200}, {"n-10", 200}}) {
    MemberRecord member;
    member.cluster = "ci";
    member.node = node;
    member.pool = find_on_demand(site.store, "ci")->cluster.nodes_pool;
    member.role = Role::node;
    member.address = fmt::format("10.77.1.{}", ++last);
    member.admitted_at = admitted_at;
    add_member(member, transaction);
  }
  REQUIRE(site.store.commit(transaction));
  const auto scaled = scale_cluster(site.context, "ci", 2, "operator anna");
  REQUIRE(scaled);
  CHECK(scaled->surplus == std::vector<std::string>{"n-10", "n-4", "n-3"});
}
