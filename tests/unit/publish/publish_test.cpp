#include "publish/publish.hpp"

#include "document/peer_list.hpp"
#include "document/time_text.hpp"
#include "fakes/hooked_store.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"
#include "store/kinds.hpp"

using namespace muster;
using sample::node;
using sample::Site;
using Kind = MachineChange::Kind;

namespace {

std::string refusal(const Published<PublishOutcome>& published) {
  REQUIRE_FALSE(published);
  return published.error().error.message;
}

std::string describe(const PublishOutcome& outcome) {
  std::string text;
  for (const auto& change : outcome.changes)
    text += fmt::format("{}/{} {} {}\n", change.cluster, change.node, name(change.kind),
                        name(change.cost));
  return text;
}

}  // namespace

TEST_CASE("the first apply makes the cluster, its documents, its peers and its record") {
  Site site;
  const auto outcome = site.publish(sample::small_inventory());
  CHECK(describe(outcome) == "lab/m1 added none\nlab/n1 added none\n");
  CHECK(is_digest(outcome.revisions.at("lab")));
  const auto served = site.current.document("lab", "m1");
  REQUIRE(served);
  const auto envelope = parse_envelope(served->body);
  REQUIRE(envelope);
  CHECK(served->etag == "\"" + digest(*envelope) + "\"");
  const auto key = find_document_key(site.keys.trust()->list, envelope->key_id, "lab");
  CHECK(verify_envelope(*envelope, node_document_type, *key));
  const auto document = site.document("m1");
  CHECK(document.site == site.keys.site());
  CHECK(document.generation == 1);
  CHECK(document.role.cluster.authorities.at("etcd").size() == 1);
  CHECK(document.role.pod_cidr == "10.64.0.0/24");
  CHECK(document.config.secrets.size() == 2);
  CHECK(site.document("n1").config.secrets.empty());
  const auto peers = parse_envelope(site.current.peers("lab")->body);
  REQUIRE(peers);
  const auto list = parse_peer_list(peers->payload);
  REQUIRE(list);
  CHECK(list->peers.size() == 2);
  CHECK(list->generation == 1);
  // Rows of one microsecond have no order among them: this site's clock stands still.
  const auto rows = list_audit(site.store, "", 10);
  REQUIRE(rows->size() == 2);
  const AuditRow& row = rows->at(rows->at(0).action == "published" ? 0 : 1);
  CHECK(row.action == "published");
  CHECK(row.actor == "operator anna");
  CHECK(row.subject == "lab");
  CHECK(row.detail ==
        fmt::format("revision 1 {}: 2 added, 0 changed, 0 removed", outcome.revisions.at("lab")));
}

TEST_CASE("applying again writes nothing") {
  Site site;
  const auto first = site.publish(sample::small_inventory());
  const auto before = site.store.get(kinds::cluster, "lab")->version;
  const auto again = site.publish("# a remark\n" + sample::small_inventory());
  CHECK(again.revisions == first.revisions);
  CHECK(describe(again) == "lab/m1 unchanged none\nlab/n1 unchanged none\n");
  CHECK(site.store.get(kinds::cluster, "lab")->version == before);
  CHECK(site.store.count(kinds::revision).value() == 1);
  CHECK(site.store.count(kinds::authority).value() == 5);
}

TEST_CASE("a dry run says everything and writes nothing") {
  Site site;
  auto request = site.request(sample::small_inventory());
  request.dry_run = true;
  CHECK(describe(Site::must(publish(site.context, request))) ==
        "lab/m1 added none\nlab/n1 added none\n");
  CHECK(site.store.count(kinds::cluster).value() == 0);
  CHECK(site.store.count(kinds::authority).value() == 2);
  CHECK(site.current.clusters().empty());
}

TEST_CASE("only the changed machine's generation grows") {
  Site site;
  site.publish(sample::small_inventory());
  const auto peers = site.current.peers("lab");
  const auto master = site.current.document("lab", "m1");
  const auto outcome = site.publish(
      sample::small_inventory(", overrides: {kernel: {sysctl: {vm.swappiness: '1'}}}"));
  CHECK(outcome.changes[0].kind == Kind::unchanged);
  REQUIRE(outcome.changes[1].kind == Kind::changed);
  REQUIRE(outcome.changes[1].differences.size() == 1);
  CHECK(outcome.changes[1].differences[0].find("/config/kernel/sysctl/vm.swappiness") == 0);
  CHECK(site.document("n1").generation == 2);
  CHECK(site.current.document("lab", "m1") != nullptr);
  CHECK(site.current.document("lab", "m1")->body == master->body);
  CHECK(site.current.document("lab", "m1")->generation == 1);
  CHECK(site.current.peers("lab")->body == peers->body);
}

TEST_CASE("an apply that is based on another revision is refused") {
  Site site;
  const auto stale = site.request(sample::small_inventory());
  const auto first = site.publish(sample::small_inventory());
  CHECK(
      refusal(publish(site.context, stale)) ==
      fmt::format(
          "cluster 'lab': based on no revision, but operator anna published {} at {}. Look at it with `muster diff`, then apply again based on that one.",
          first.revisions.at("lab"), utc_text(sample::now)));
  auto wrong = site.request(sample::cluster("", "other") + node("m1", "master", 11, "", "other"));
  wrong.based_on["other"] = "sha256:1";
  CHECK(
      refusal(publish(site.context, wrong)) ==
      "cluster 'other': based on revision sha256:1, but nothing is published yet. Is this the right server? Then apply again based on none.");
}

TEST_CASE("an apply is based on a revision by its number as well, which is long after a restore") {
  Site site;
  site.publish(sample::small_inventory());
  auto record = find_cluster(site.store, "lab").value().record;
  record.revision_number = (2ULL << 32) + 6;
  Transaction lifted;
  lifted.put(kinds::cluster, "lab", to_json(record));
  REQUIRE(site.store.commit(lifted));
  site.publish(sample::small_inventory(", labels: {a: b}"));
  auto order = site.request(sample::small_inventory(", labels: {a: c}"));
  order.based_on["lab"] = "8589934599";
  Site::must(publish(site.context, order));
  CHECK(refusal(publish(site.context, order))
            .starts_with("cluster 'lab': based on revision sha256:"));
  CHECK(find_published(site.store, "lab", "8589934599")->number == 8589934599);
  Site::must(roll_back(site.context, sample::back_to("8589934599")));
  CHECK(site.document("n1").config.kubelet.labels.at("a") == "b");
}

TEST_CASE("an apply on what is current says on what it was, and is refused where that is over") {
  Site site;
  auto order = site.request(sample::small_inventory());
  order.on_current = true;
  CHECK(Site::must(publish(site.context, order)).based_on.at("lab").empty());
  const std::string first = site.current.cluster("lab")->revision;
  order.files = {{"site.yaml", sample::small_inventory(", labels: {a: b}")}};
  HookedStore hooked(site.store);
  const PublishContext context{hooked,       site.sealing,    site.keys,
                               site.current, site.quarantine, site.context.now};
  hooked.before_commit = [&] { site.publish(sample::small_inventory(", labels: {a: c}")); };
  CHECK(refusal(publish(context, order)).find("based on revision " + first + ", but") !=
        std::string::npos);
  const auto done = Site::must(publish(site.context, order));
  CHECK(done.based_on.at("lab") != first);
  CHECK(done.revisions.at("lab") == site.current.cluster("lab")->revision);
}

TEST_CASE("two applies at once: one wins, the other is told") {
  Site site;
  site.publish(sample::small_inventory());
  const auto request = site.request(sample::small_inventory(", labels: {a: b}"));
  HookedStore hooked(site.store);
  const PublishContext context{hooked,       site.sealing,    site.keys,
                               site.current, site.quarantine, site.context.now};
  // The second publishes while the first has read what is current.
  hooked.before_commit = [&] {
    Site::must(publish(site.context, site.request(sample::small_inventory(", labels: {a: c}"))));
  };
  const auto lost = publish(context, request);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().error.kind == ErrorKind::conflict);
  CHECK(site.document("n1").config.kubelet.labels.at("a") == "c");
}

TEST_CASE("machines are removed only when that is said") {
  Site site;
  site.publish(sample::small_inventory());
  const std::string without = sample::cluster() + node("m1", "master", 11);
  auto request = site.request(without);
  CHECK(
      refusal(publish(site.context, request)) ==
      "cluster 'lab': this would remove the machines 'n1'. Put them back, or repeat with --remove if they are to go.");
  CHECK(site.current.document("lab", "n1"));
  request.remove = true;
  const auto outcome = Site::must(publish(site.context, request));
  CHECK(describe(outcome) == "lab/m1 changed none\nlab/n1 removed none\n");
  CHECK_FALSE(site.current.document("lab", "n1"));
  CHECK_FALSE(site.store.get(kinds::document, "lab/n1"));
  CHECK_FALSE(site.store.get(kinds::machine, "lab/n1"));
}

TEST_CASE("a machine that left is refused by the masters until its certificates are over") {
  Site site;
  TimePoint time = sample::now;
  site.context.now = [&] { return time; };
  site.publish(sample::small_inventory());
  auto leave = site.request(sample::cluster() + node("m1", "master", 11));
  leave.remove = true;
  const auto banned = [&] { return site.document("m1").config.banned_machines; };
  const std::vector<std::string> gone = {"n1"};
  Site::must(publish(site.context, leave));
  CHECK(banned() == gone);
  const std::string revision = site.current.cluster("lab")->revision;
  Site::must(publish(site.context, site.request(leave.files.begin()->second)));
  CHECK(site.current.cluster("lab")->revision == revision);

  // Other content, the day before the last of its certificates is over, and the day after.
  const auto publish_with = [&](const std::string& label) {
    site.publish(sample::cluster() + node("m1", "master", 11, ", labels: {day: d" + label + "}"));
  };
  time += std::chrono::hours(24 * 89);
  publish_with("89");
  CHECK(banned() == gone);
  time += std::chrono::hours(24 * 2);
  publish_with("91");
  CHECK(banned().empty());
}

TEST_CASE("a machine that comes back under its name is no longer refused") {
  Site site;
  site.publish(sample::small_inventory());
  auto leave = site.request(sample::cluster() + node("m1", "master", 11));
  leave.remove = true;
  Site::must(publish(site.context, leave));
  site.publish(sample::small_inventory());
  CHECK(site.document("m1").config.banned_machines.empty());
  CHECK(site.current.document("lab", "n1"));
}

TEST_CASE("pod networks never move, and a removed machine's stays its own") {
  Site site;
  site.publish(sample::small_inventory());
  const std::string network = site.document("n1").role.pod_cidr;
  auto request =
      site.request(sample::cluster() + node("m1", "master", 11) + node("a0", "node", 22));
  request.remove = true;
  Site::must(publish(site.context, request));
  CHECK(site.document("a0").role.pod_cidr != network);
  CHECK(site.document("m1").role.pod_cidr == "10.64.0.0/24");
  site.publish(sample::small_inventory() + node("a0", "node", 22));
  CHECK(site.document("n1").role.pod_cidr == network);
  // Back with a generation that no machine has seen yet.
  CHECK(site.document("n1").generation == 3);
}

TEST_CASE("a live cluster keeps its networks; one without machines may change them") {
  Site site;
  site.publish(sample::small_inventory());
  const std::string other = sample::cluster("  podCidr: 10.65.0.0/16\n") +
                            node("m1", "master", 11) + node("n1", "node", 21);
  Transaction admitted;
  admitted.put(kinds::machine, "lab/m1", "{}");
  REQUIRE(site.store.commit(admitted));
  CHECK(
      refusal(publish(site.context, site.request(other))) ==
      "cluster 'lab': machines run on it, so these cannot change. Put them back, or make another cluster:\nsite.yaml:7:3: spec.podCidr: expected '10.64.0.0/16', found '10.65.0.0/16'");
  Transaction gone;
  gone.remove(kinds::machine, "lab/m1");
  REQUIRE(site.store.commit(gone));
  site.publish(other);
  CHECK(site.document("m1").role.pod_cidr == "10.65.0.0/24");
}

TEST_CASE("an invalid inventory changes nothing and tells every problem") {
  Site site;
  const auto unreadable = publish(site.context, site.request("kind: Cluster\n"));
  REQUIRE_FALSE(unreadable);
  CHECK(unreadable.error().error.kind == ErrorKind::invalid);
  CHECK_FALSE(unreadable.error().problems.empty());
  // What only the site knows: no such release, no such secret.
  const auto refused = publish(
      site.context,
      site.request(sample::cluster("  releases: {etcd: 9.9.9}\n") + node("m1", "master", 11) +
                   node("n1", "node", 21,
                        ", overrides: {files: [{path: /etc/x, content: {secretRef: none}}]}")));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().problems.size() == 2);
  CHECK(refused.error().error.message == "inventory: refused, 2 problems");
  auto request = site.request(sample::small_inventory());
  request.clusters = {"lab", "typo"};
  const auto named = publish(site.context, request);
  REQUIRE_FALSE(named);
  CHECK(to_text(named.error().problems).find("expected a Cluster named 'typo', found none") !=
        std::string::npos);
  CHECK(site.store.count(kinds::cluster).value() == 0);
}

TEST_CASE("apply owns the clusters that it names") {
  Site site;
  const std::string two = sample::small_inventory() + "---\n" +
                          sample::cluster("  podCidr: 10.66.0.0/16\n", "second") +
                          node("s1", "master", 31, "", "second");
  site.publish(two);
  CHECK(site.current.clusters() == std::vector<std::string>{"lab", "second"});
  auto request = site.request(two);
  request.clusters = {"second"};
  request.files["site.yaml"] = sample::small_inventory(", labels: {a: b}") + "---\n" +
                               sample::cluster("  podCidr: 10.66.0.0/16\n", "second") +
                               node("s1", "master", 31, ", labels: {a: b}", "second");
  const auto outcome = Site::must(publish(site.context, request));
  CHECK(outcome.revisions.size() == 1);
  CHECK(site.document("n1").config.kubelet.labels.empty());
  CHECK(site.document("s1", "second").config.kubelet.labels.at("a") == "b");
  CHECK(site.document("s1", "second").role.cluster.authorities.at("etcd") !=
        site.document("m1").role.cluster.authorities.at("etcd"));
}

TEST_CASE("what is served survives a restart") {
  Site site;
  site.publish(sample::small_inventory());
  Quarantine quarantine;
  CurrentDocuments loaded(quarantine);
  REQUIRE(loaded.load(site.store));
  CHECK(loaded.document("lab", "m1")->body == site.current.document("lab", "m1")->body);
  CHECK(loaded.document("lab", "m1")->etag == site.current.document("lab", "m1")->etag);
  CHECK(loaded.peers("lab")->body == site.current.peers("lab")->body);
  CHECK(loaded.cluster("lab")->revision == site.current.cluster("lab")->revision);
  CHECK(loaded.document("lab", "other") == nullptr);
  CHECK(loaded.document("other", "m1") == nullptr);
}

TEST_CASE("a cluster's record that an earlier program wrote is served from") {
  Site site;
  site.set_banned("n1", true);
  site.publish(sample::small_inventory());
  auto record = nlohmann::json::parse(site.store.get(kinds::cluster, "lab")->value);
  REQUIRE(record.erase("bannedMachines") == 1);
  REQUIRE(record.erase("inventory") == 1);
  REQUIRE(record.erase("content") == 1);
  REQUIRE(record.erase("history") == 1);
  REQUIRE(site.memory.commit(Transaction().put(kinds::cluster, "lab", record.dump())));
  CurrentDocuments loaded{site.quarantine};
  REQUIRE(loaded.load(site.store));
  CHECK(loaded.cluster("lab")->banned_machines == std::vector<std::string>{"n1"});
  CHECK(loaded.document("lab", "m1")->body == site.current.document("lab", "m1")->body);
}

TEST_CASE("enrolment learns the published nodes and what they are recognised by") {
  Site site;
  site.publish(sample::small_inventory());
  const auto revision = site.current.cluster("lab")->revision;
  site.publish(sample::small_inventory(", match: {serial: X123}"));
  CHECK(site.current.cluster("lab")->revision != revision);
  CHECK(site.document("n1").generation == 1);
  const auto inventory = published_inventory(site.store, "lab");
  REQUIRE(inventory);
  REQUIRE(inventory->nodes.size() == 2);
  CHECK(inventory->nodes[1].name.value == "n1");
  CHECK(inventory->nodes[1].match.serial.value == "X123");
  CHECK(published_inventory(site.store, "other").error().kind == ErrorKind::not_found);
}
