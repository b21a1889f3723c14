#include <algorithm>

#include "fakes/golden.hpp"
#include "publish/secret_removal.hpp"
#include "publish/secrets_of_revisions.hpp"
#include "records/audit.hpp"
#include "records/drain.hpp"
#include "records/revision.hpp"
#include "records/secrets.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::back_to;
using sample::Site;

TEST_CASE("rolling back publishes the old content anew") {
  Site site;
  const auto first = site.publish(sample::small_inventory());
  const auto old = site.document("n1");
  site.publish(sample::small_inventory(", labels: {a: b}"));
  // The newest release of the catalogue is not what the old revision had.
  site.add_release("runc", "2.0.0");
  const auto outcome = Site::must(roll_back(site.context, back_to("1")));
  CHECK(outcome.revisions == first.revisions);
  auto now = site.document("n1");
  CHECK(now.generation == 3);
  now.generation = old.generation;
  CHECK(to_canonical_json(now) == to_canonical_json(old));
  const auto revisions = list_revisions(site.store, "lab");
  REQUIRE(revisions);
  REQUIRE(revisions->size() == 3);
  CHECK(revisions->at(0).number == 3);
  CHECK(revisions->at(0).rollback_of == 1);
  CHECK(revisions->at(0).machines == 2);
  CHECK(revisions->at(0).digest == revisions->at(2).digest);
  CHECK(list_audit(site.store, "", 100)->size() == 4);
  // Again: nothing to do.
  Site::must(roll_back(site.context, back_to(first.revisions.at("lab"))));
  CHECK(list_revisions(site.store, "lab")->size() == 3);
}

TEST_CASE("a ban outlives a rollback") {
  Site site;
  site.publish(sample::small_inventory());
  site.publish(sample::small_inventory(", labels: {a: b}"));
  site.set_banned("n1", true);
  const auto banned = Site::must(republish(site.context, "lab", "operator anna"));
  REQUIRE(banned.changes.size() == 1);  // no operator ordered it: what stays is not listed
  CHECK(banned.changes[0].kind == MachineChange::Kind::changed);
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
  CHECK(site.document("n1").config.banned_machines.empty());
  Site::must(roll_back(site.context, back_to("1")));
  CHECK(site.document("m1").config.banned_machines == std::vector<std::string>{"n1"});
  site.set_banned("n1", false);
  Site::must(republish(site.context, "lab", "operator anna"));
  CHECK(site.document("m1").config.banned_machines.empty());
  CHECK(republish(site.context, "other", "x").error().error.message ==
        "cluster 'other': nothing is published yet");
}

TEST_CASE("a rollback that would remove machines says so") {
  Site site;
  site.publish(sample::small_inventory());
  site.publish(sample::small_inventory() + sample::node("n2", "node", 22));
  auto request = back_to("1");
  CHECK(
      roll_back(site.context, request).error().error.message ==
      "cluster 'lab': this would remove the machines 'n2'. Put them back, or repeat with --remove if they are to go.");
  request.remove = true;
  request.dry_run = true;
  CHECK(Site::must(roll_back(site.context, request)).changes.back().kind ==
        MachineChange::Kind::removed);
  CHECK(site.current.document("lab", "n2"));
}

TEST_CASE("a rollback to what is gone names it") {
  Site site;
  REQUIRE(set_secret(site.store, site.sealing, "lab", "db", "x", "operator anna", sample::now));
  site.publish(
      sample::small_inventory(", overrides: {files: [{path: /etc/db, content: {secretRef: db}}]}"));
  site.publish(sample::small_inventory());
  REQUIRE(remove_secret(site.store, "lab", "db", "operator anna", sample::now));
  Transaction transaction;
  transaction.remove(kinds::release, "runc/1.0.0");
  REQUIRE(site.store.commit(transaction));
  CHECK(
      roll_back(site.context, back_to("1")).error().error.message ==
      "cluster 'lab': revision 1 needs what is not there any more:\nrelease runc 1.0.0: import it again\nsecret 'db' version 1: it was removed; set it again with `muster secret set db --cluster lab`, then repeat this: the new value is taken");
}

TEST_CASE("a secret that was removed and set anew is taken by a rollback as it is now") {
  Site site;
  const auto set = [&](const std::string& name, const std::string& value) {
    REQUIRE(set_secret(site.store, site.sealing, "lab", name, value, "operator anna", sample::now));
  };
  set("db", "x");
  set("other", "y");
  const std::string named = ", overrides: {files: [{path: /etc/db, content: {secretRef: db}}]}";
  site.publish(sample::small_inventory(named));
  site.publish(sample::small_inventory());
  const auto missing = [&] { return missing_secrets(site.store, "lab").value(); };
  CHECK(missing().empty());
  for (const char* name : {"db", "other"})
    REQUIRE(remove_secret(site.store, "lab", name, "operator anna", sample::now));
  // Nobody's files name the other.
  CHECK(missing() == std::map<std::uint64_t, std::vector<std::string>>{{1, {"db"}}});
  CHECK_FALSE(roll_back(site.context, back_to("1")));
  set("db", "z");
  CHECK(missing().empty());
  const auto outcome = Site::must(roll_back(site.context, back_to("1")));
  CHECK(
      outcome.notes ==
      std::vector<std::string>{
          "cluster 'lab': secret 'db' version 1 was removed; where a machine needs it, it gets version 2"});
  CHECK(site.document("n1").config.secrets.at(0).version == 2);
  // A version that is there is gone back to.
  set("db", "newer");
  site.publish(sample::small_inventory(named));
  CHECK(site.document("n1").config.secrets.at(0).version == 3);
  CHECK(Site::must(roll_back(site.context, back_to("3"))).notes.empty());
  CHECK(site.document("n1").config.secrets.at(0).version == 2);
}

TEST_CASE("revisions are found by number and by digest") {
  Site site;
  const std::string digest = site.publish(sample::small_inventory()).revisions.at("lab");
  const auto found = [&](std::string_view wanted) {
    return find_revision(site.store, "lab", wanted);
  };
  CHECK(found("1")->digest == digest);
  CHECK(found(digest)->number == 1);
  CHECK(found(digest.substr(7, 8))->number == 1);
  CHECK(found(digest.substr(0, 15))->number == 1);
  CHECK(found("1")->files.at("site.yaml") == sample::small_inventory());
  CHECK(found("2").error().message ==
        "cluster 'lab': there is no revision '2'. `muster revision list` shows them.");
  CHECK(found("abc").error().message ==
        "revision: expected a number, or a digest or at least its first 8 digits, found 'abc'");
}

TEST_CASE("what any kept revision names is known, of clusters and revisions alike") {
  Site site;
  const auto manifest = [](const std::string& version) {
    Release release;
    release.name = "runc";
    release.version = version;
    release.artifacts = {
        {"bin/runc", ArtifactKind::file, "0755", sha256_digest("runc" + version), 100}};
    return digest(release);
  };
  CHECK(manifests_of_revisions(site.store)->empty());
  site.publish(sample::small_inventory());
  site.add_release("runc", "2.0.0");
  auto upgrade = site.request(sample::small_inventory());
  upgrade.upgrades = {"runc"};
  Site::must(publish(site.context, upgrade));
  const auto named = manifests_of_revisions(site.store).value();
  CHECK(named.contains(manifest("1.0.0")));
  CHECK(named.contains(manifest("2.0.0")));
  CHECK_FALSE(named.contains(manifest("3.0.0")));
  CHECK(site.document("n1").config.releases.size() * 2 > named.size());
}

TEST_CASE("records have the form that earlier programs wrote") {
  ClusterRecord cluster;
  cluster.name = "lab";
  cluster.revision_number = 3;
  cluster.revision = "sha256:" + std::string(64, 'a');
  cluster.published_at = 1795242048;
  cluster.actor = "operator anna";
  cluster.fixed = {"10.64.0.0/16", "10.96.0.0/16", "cluster.local", "stacked"};
  cluster.pod_cidrs = {{"m1", "10.64.0.0/24"}};
  cluster.document_key = "sha256:" + std::string(64, 'c');
  check_golden("site/cluster.json", to_json(cluster) + "\n");
  CHECK(to_json(parse_cluster_record(to_json(cluster)).value()) == to_json(cluster));
  Revision revision;
  revision.cluster = "lab";
  revision.number = 3;
  revision.digest = cluster.revision;
  revision.published_at = 1795242048;
  revision.actor = "operator anna";
  revision.rollback_of = 1;
  revision.machines = 1;
  revision.files = {{"lab.yaml", "kind: \"Cluster\"\n"}};
  revision.facts.site = "sha256:" + std::string(64, 'b');
  check_golden("site/revision.json", to_json(revision) + "\n");
  CHECK(to_json(parse_revision(to_json(revision)).value()) == to_json(revision));
  // Before anybody but the server signed.
  std::string older = to_json(cluster);
  older.erase(older.find(R"("documentKey")"), std::string_view(R"("documentKey":"",)").size() + 71);
  CHECK(signer_of(parse_cluster_record(older).value(), "sha256:server") == "sha256:server");
  CHECK(signer_of(cluster, "sha256:server") == cluster.document_key);
  // Before machines that left were refused.
  cluster.departed = {{"n9", 1795242048}};
  CHECK(parse_cluster_record(to_json(cluster)).value().departed == cluster.departed);
  older = to_json(cluster);
  const std::string_view departed = R"("departed":{"n9":1795242048},)";
  older.erase(older.find(departed), departed.size());
  CHECK(parse_cluster_record(older).value().departed.empty());
  older = to_json(revision);
  older.erase(older.find(R"("departedMachines":[],)"),
              std::string_view(R"("departedMachines":[],)").size());
  CHECK(parse_revision(older).value().facts.departed_machines.empty());
  // Before revisions counted their machines.
  older = to_json(revision);
  older.erase(older.find(R"("machines":1,)"), std::string_view(R"("machines":1,)").size());
  CHECK(parse_revision(older).value().machines == 0);
}

TEST_CASE("each revision says in words what it was for") {
  Site site;
  site.publish(sample::small_inventory());
  site.publish(sample::small_inventory(", labels: {a: b}"));
  const auto order = [&](const std::string& node, bool drained) {
    Transaction transaction;
    if (drained) {
      REQUIRE(order_drain(site.store,
                          {"lab", node, false, std::chrono::seconds(60), "operator anna"},
                          sample::now, transaction));
      REQUIRE(site.store.commit(transaction));
    } else {
      REQUIRE(end_drain(site.store, "lab", node, sample::now, "operator anna"));
    }
    Site::must(republish(site.context, "lab", "operator anna"));
  };
  order("n1", true);
  order("n1", false);
  site.set_banned("n1", true);
  Site::must(republish(site.context, "lab", "operator anna"));
  site.set_banned("n1", false);
  Site::must(republish(site.context, "lab", "operator anna"));
  site.add_release("runc", "2.0.0");
  auto request = site.request(sample::small_inventory(", labels: {a: b}"));
  request.upgrades = {"runc"};
  Site::must(publish(site.context, request));
  Site::must(roll_back(site.context, back_to("1")));
  const auto revisions = list_revisions(site.store, "lab");
  REQUIRE(revisions);
  std::vector<std::string> causes;
  for (const auto& revision : *revisions) causes.push_back(revision.cause);
  CHECK(causes == std::vector<std::string>{"back to revision 1", "upgrade of runc",
                                           "n1 banned no more", "ban of n1", "n1 drained no more",
                                           "drain of n1", "inventory", "inventory"});
}
