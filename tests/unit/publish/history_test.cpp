// An operator's revisions, and what machines cause beside them.
#include "publish/publish.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::back_to;
using sample::Site;

namespace {

std::string pool_with_label(const std::string& label) {
  return sample::cluster("  nodeCidr: 10.77.0.0/16\n") + sample::node("m1", "master", 250) +
         R"(---
apiVersion: muster/v1
kind: NodePool
metadata: {name: ci}
spec: {cluster: lab, role: node, namePattern: 'ci-{index}', maximum: 200, addressRanges: [10.77.9.0/24], proofs: [token], overrides: {kubelet: {labels: {l: )" +
         label + "}}}}\n";
}

void admit_and_publish(Site& site, int index) {
  Transaction transaction;
  add_member({"lab", fmt::format("ci-{}", index), "ci", Role::node,
              fmt::format("10.77.9.{}", index), "sha256:k", 1, 0},
             transaction);
  REQUIRE(site.store.commit(transaction));
  Site::must(republish(site.context, "lab", fmt::format("member lab/ci-{}", index)));
}

}  // namespace

TEST_CASE("120 admissions do not push an operator's only revision out") {
  Site site;
  site.publish(pool_with_label("one"));
  for (int index = 1; index <= 120; ++index) admit_and_publish(site, index);
  site.publish(pool_with_label("two"));
  CHECK(site.document("ci-120").config.kubelet.labels.at("l") == "two");
  Site::must(roll_back(site.context, back_to("1")));
  CHECK(site.document("ci-120").config.kubelet.labels.at("l") == "one");
  CHECK(site.current.cluster("lab")->documents.size() == 121);
  CHECK(site.store.count(kinds::revision).value() == 3);
  CHECK(site.store.count(kinds::publication).value() == 98);  // 24 to 121
}

TEST_CASE("what machines caused has no files, and stands for those that it was made from") {
  Site site;
  site.publish(pool_with_label("one"));
  admit_and_publish(site, 1);
  const auto listed = list_revisions(site.store, "lab").value();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].number == 2);
  CHECK(listed[0].content == 1);
  CHECK(listed[0].actor == "member lab/ci-1");
  CHECK(listed[1].content == 0);
  CHECK(find_revision(site.store, "lab", "2")->number == 1);
  CHECK(find_revision(site.store, "lab", listed[0].digest)->number == 1);
  CHECK(published_inventory(site.store, "lab")->pools.size() == 1);
  CHECK(site.store.get(kinds::publication, kinds::revision_key("lab", 2))->value.size() < 400);
  const auto record = find_cluster(site.store, "lab")->record;
  CHECK(record.content == 1);
  CHECK(record.history == std::vector<std::uint64_t>{1});
}

TEST_CASE("a revision that cannot be read is listed as such, and the others can be gone back to") {
  Site site;
  site.publish(pool_with_label("one"));
  site.publish(pool_with_label("two"));
  admit_and_publish(site, 1);
  site.publish(pool_with_label("three"));
  Transaction spoil;
  spoil.put(kinds::revision, kinds::revision_key("lab", 2), "{");
  spoil.put(kinds::publication, kinds::revision_key("lab", 3), "[]");
  REQUIRE(site.store.commit(spoil));
  const auto listed = list_revisions(site.store, "lab").value();
  REQUIRE(listed.size() == 4);
  CHECK(listed[0].cause == "");
  for (const std::size_t unread : {1U, 2U}) {
    CHECK(listed[unread].number == 4 - unread);
    CHECK(listed[unread].digest.empty());
    CHECK(listed[unread].cause == "cannot be read, nor gone back to");
  }
  CHECK(listed[3].cause == "inventory");
  const auto refused = roll_back(site.context, back_to("2"));
  REQUIRE_FALSE(refused);
  const std::string told =
      "revision 'lab/000000000002': it cannot be read, nor gone back to; take another one of `muster revision list`: revision: refused, 1 problem:\n/: expected JSON, found ";
  CHECK(refused.error().error.message.substr(0, told.size()) == told);
  Site::must(roll_back(site.context, back_to("1")));
  CHECK(site.document("ci-1").config.kubelet.labels.at("l") == "one");
}

TEST_CASE("the last hundred of an operator's revisions are kept") {
  Site site;
  for (int i = 0; i < 102; ++i) site.publish(pool_with_label(fmt::format("v{}", i)));
  CHECK(site.store.count(kinds::revision).value() == 100);
  CHECK_FALSE(find_revision(site.store, "lab", "2"));
  CHECK(find_revision(site.store, "lab", "3"));
}

TEST_CASE(
    "a cluster of an earlier program: its revisions are kept until newer ones push them out") {
  Site site;
  site.publish(pool_with_label("one"));
  site.publish(pool_with_label("two"));
  auto found = find_cluster(site.store, "lab").value();
  found.record.content = 0;  // as it was written then
  found.record.history.clear();
  Transaction transaction;
  transaction.put(kinds::cluster, "lab", to_json(found.record));
  REQUIRE(site.store.commit(transaction));
  CHECK(to_json(found.record).find("history") == std::string::npos);
  admit_and_publish(site, 1);
  CHECK(find_cluster(site.store, "lab")->record.history == std::vector<std::uint64_t>{1, 2});
  CHECK(find_cluster(site.store, "lab")->record.content == 2);
  Site::must(roll_back(site.context, back_to("1")));
  CHECK(site.document("ci-1").config.kubelet.labels.at("l") == "one");
}
