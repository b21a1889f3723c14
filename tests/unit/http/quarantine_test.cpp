// A cluster of which this program refuses what an earlier one wrote: alone, and curable while the
// server runs.
#include "publish/quarantine.hpp"

#include <doctest/doctest.h>

#include "fakes/unreadable.hpp"
#include "records/all_records.hpp"
#include "sample_rooms.hpp"

using namespace muster;
using sample::House;

namespace {

struct TwoClusters : House {
  std::string good = sample::small_inventory();

  TwoClusters() {
    apply(good);
    publish_other(sample::cluster("  podCidr: 10.65.0.0/16\n", "other") +
                  sample::node("o1", "master", 31, "", "other"));
  }
  void publish_other(const std::string& text) {
    const auto made = ask("POST", "/v1/operator/apply",
                          {{"clusters", {"other"}},
                           {"files", {{"other.yaml", text}}},
                           {"basedOn", nlohmann::json::object()}});
    REQUIRE_MESSAGE(made.status == 200, made.body.dump());
  }
  // What is in the store, after `from` in records of that kind and cluster became `to`.
  void change(std::string_view kind, const std::string& prefix, const std::string& from,
              const std::string& to) {
    Transaction transaction;
    const auto records = all_records(store, kind, prefix);
    for (const Record& record : *records) {
      std::string value = record.value;
      const auto at = value.find(from);
      REQUIRE_MESSAGE(at != std::string::npos, record.key);
      transaction.put(kind, record.key, value.replace(at, from.size(), to));
    }
    REQUIRE_FALSE(transaction.changes.empty());
    REQUIRE(store.commit(transaction));
  }
  // As a server does that starts with that store.
  Result<void> start() { return views.load(); }
  NodeDocument document(const std::string& cluster, const std::string& node) {
    return read_document(*current.document(cluster, node)).value();
  }
  nlohmann::json quarantined() { return ask("GET", "/v1/operator/status").body.at("quarantined"); }
};

}  // namespace

TEST_CASE_FIXTURE(TwoClusters,
                  "an inventory that is refused by now puts its cluster in quarantine, alone") {
  const Peer m1 = machine("m1");
  const auto before = ask("GET", "/v1/document", {}, m1).body;
  std::string from, to, reason;
  SUBCASE("a field that is not known any more") {
    from = "serviceCidr: 10.96.0.0/16";
    to = "serviceCidr: 10.96.0.0/16\\n  formerField: 1";
    reason = "formerField: expected a known field, found 'formerField'";
  }
  SUBCASE("a value that breaks a rule") {
    from = "role: node, address: 10.77.0.21";
    to = "role: node, address: 10.77.0.11";
    reason = "expected a value of one machine only";
  }
  SUBCASE("not even YAML") {
    from = "kind: Cluster";
    to = "kind: [Cluster";
    reason = "site.yaml";
  }
  SUBCASE("no Cluster, only its machines") {
    from = "kind: Cluster";
    to = "kind: Clustre";
    reason = "'Clustre'";
  }
  CAPTURE(to);
  change(kinds::revision, "lab/", from, to);
  REQUIRE(start());
  const auto rows = quarantined();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("cluster") == "lab");
  CHECK_MESSAGE(rows[0].at("reason").get<std::string>().find(reason) != std::string::npos,
                rows.dump());
  CHECK(rows[0].at("cure").get<std::string>().starts_with(
      "correct its inventory until `muster validate DIR` accepts it, then `muster apply DIR`"));
  const auto explained = ask("GET", "/v1/operator/enrolment/m1").body.at("machines")[0];
  REQUIRE(explained.at("heldUp").size() == 1);
  CHECK(explained.at("heldUp")[0].get<std::string>().starts_with(
      "cluster 'lab': in quarantine, served as it was: "));
  // Served as it was; its machines are who they were.
  CHECK(ask("GET", "/v1/document", {}, m1).body == before);
  CHECK(ask("POST", "/v1/operator/nodes/other/o1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(document("other", "o1").config.banned_machines == std::vector<std::string>{"o1"});
  // Nothing new is published for it.
  const auto republished = republish(publishing, "lab", "server");
  REQUIRE_FALSE(republished);
  CHECK(republished.error().error.code == "quarantined");
  CHECK(ask("GET", "/v1/document", {}, m1).body == before);
  // The cure works while the server runs.
  apply(sample::small_inventory(", labels: {rack: r2}"));
  CHECK(quarantined().empty());
  CHECK(republish(publishing, "lab", "server"));
  CHECK(document("lab", "n1").config.kubelet.labels.at("rack") == "r2");
  REQUIRE(start());
  CHECK(quarantined().empty());
}

TEST_CASE_FIXTURE(TwoClusters,
                  "a record that cannot be read puts its cluster in quarantine, alone") {
  const Peer m1 = machine("m1"), n1 = machine("n1");
  std::string_view kind;
  std::string prefix;
  bool is_curable = true;
  SUBCASE("a revision with a field of a newer program") {
    kind = kinds::revision;
    prefix = "lab/";
  }
  SUBCASE("a document") {
    kind = kinds::document;
    prefix = "lab/n1";
  }
  SUBCASE("a peer list") {
    kind = kinds::peers;
    prefix = "lab";
  }
  SUBCASE("the cluster's own record") {
    kind = kinds::cluster;
    prefix = "lab";
    is_curable = false;
  }
  CAPTURE(kind);
  change(kind, prefix, "{", "{\"formerField\":1,");
  REQUIRE(start());
  const auto rows = quarantined();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("cluster") == "lab");
  CHECK(rows[0].at("reason").get<std::string>().find("formerField") != std::string::npos);
  CHECK(ask("GET", "/v1/document", {}, m1).status == 200);
  const auto answer = ask("GET", "/v1/document", {}, n1);
  CHECK(answer.status == (kind == kinds::document ? 503 : 200));
  if (kind == kinds::document) CHECK(answer.body.at("kind") == "quarantined");
  CHECK(ask("POST", "/v1/operator/nodes/other/o1/ban", {{"reason", "stolen"}}).status == 200);
  CHECK(document("other", "o1").config.banned_machines == std::vector<std::string>{"o1"});
  if (!is_curable) return;
  apply(sample::small_inventory(", labels: {rack: r2}"));
  CHECK(quarantined().empty());
  CHECK(ask("GET", "/v1/document", {}, n1).status == 200);
  REQUIRE(start());
  CHECK(quarantined().empty());
}

TEST_CASE_FIXTURE(TwoClusters,
                  "what an unreadable inventory lists nobody knows: nothing is removed for it") {
  const Peer n1 = machine("n1");
  REQUIRE(ask("POST", "/v1/operator/nodes/lab/n1/ban", {{"reason", "stolen"}}).status == 200);
  std::string_view kind = kinds::revision;
  std::string prefix = "lab/";
  SUBCASE("its revision") {}
  SUBCASE("its record") {
    kind = kinds::cluster;
    prefix = "lab";
  }
  CAPTURE(kind);
  change(kind, prefix, "{", "{\"formerField\":");
  REQUIRE(start());
  const std::string why = quarantined()[0].at("reason");
  const auto refused = [&](const sample::Answer& answer) {
    CHECK_MESSAGE(answer.status == 409, answer.body.dump());
    CHECK(answer.body.at("kind") == "quarantined");
    const std::string message = answer.body.at("message");
    CHECK(message.starts_with("cluster 'lab': in quarantine, served as it was: "));
    CHECK_MESSAGE(message.find(why) != std::string::npos, message);
    CHECK(message.find("Cure: ") != std::string::npos);
  };
  refused(ask("POST", "/v1/operator/nodes/lab/n1/remove", {{"drain", false}}));
  refused(ask("POST", "/v1/operator/nodes/lab/n1/remove", {{"drain", true}}));
  CHECK(find_machine(store, {"lab", "n1"})->ban);
  refused(
      ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}, {"role", "node"}, {"node", "n1"}}));
  refused(ask("POST", "/v1/operator/tokens", {{"cluster", "lab"}, {"pool", "ci"}}));
  const nlohmann::json approval = {{"name", "n1"}, {"fingerprint", "sha256:0123456789abcdef"}};
  refused(ask("POST", "/v1/operator/approve", approval));
  refused(ask("POST", "/v1/operator/nodes/lab/nobody/ban", {{"reason", "stolen"}}));
  refused(ask("POST", "/v1/operator/nodes/lab/nobody/replace"));
  // A machine that something is published for is one, whoever cannot read the inventory.
  const auto banned = ask("POST", "/v1/operator/nodes/lab/m1/ban", {{"reason", "stolen"}});
  CHECK(banned.status == 200);
  CHECK(banned.body.at("unpublished").at("kind") == "quarantined");
  CHECK(
      banned.body.at("unpublished")
          .at("message")
          .get<std::string>()
          .starts_with(
              "lab/m1: this server holds to the ban; its masters' API servers do not know of it yet: "));
  CHECK(find_machine(store, {"lab", "m1"})->ban);
  if (kind == kinds::cluster) return;
  apply(sample::small_inventory());
  CHECK(document("lab", "m1").config.banned_machines == std::vector<std::string>{"m1", "n1"});
  CHECK(ask("POST", "/v1/operator/nodes/lab/n1/remove", {{"drain", false}}).body.at("kind") ==
        "still_listed");
}

TEST_CASE_FIXTURE(TwoClusters,
                  "one unreadable row of a cluster costs that cluster's counts alone") {
  machine("m1");
  std::string_view kind;
  std::string key, order;
  std::string cure =
      "restore the database from a backup of before, or ask for help with that record";
  SUBCASE("a machine") {
    kind = kinds::machine;
    key = "lab/m1";
    cure =
        "muster ban m1 --cluster lab, which begins its record anew; then muster unban m1 --cluster lab, and there muster-agent reset --yes and a new token";
    order = "m1/ban";
  }
  SUBCASE("a drain") {
    kind = kinds::drain;
    key = "lab/n1";
    cure = "muster node undrain n1 --cluster lab";
    order = "n1/undrain";
  }
  SUBCASE("etcd") {
    kind = kinds::etcd;
    cure =
        "a master whose etcd runs settles it with its next report; where none does any more, muster cluster reinitialise lab --confirm";
    key = "lab";
  }
  SUBCASE("a turn") {
    kind = kinds::turn;
    cure =
        "muster node converge MASTER --cluster lab --cancel, with any of its masters, which forgets the orders that nobody can read; look that none is still converging before you order anew";
    key = "lab";
  }
  CAPTURE(kind);
  make_unreadable(store, kind, key);
  const auto status = ask("GET", "/v1/operator/status");
  REQUIRE_MESSAGE(status.status == 200, status.body.dump());
  const auto& rows = status.body.at("clusters");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("cluster") == "lab");
  CHECK(rows[0].at("machines") == 2);
  CHECK(rows[0].at("unread").at("reason").get<std::string>().find("expected JSON") !=
        std::string::npos);
  CHECK(rows[0].at("unread").at("cure") == cure);
  CHECK(rows[1].at("cluster") == "other");
  CHECK(rows[1].at("neverEnrolled") == 1);
  const auto nodes = ask("GET", "/v1/operator/nodes");
  REQUIRE(nodes.status == 200);
  if (kind == kinds::etcd) return;  // no list of machines needs it here
  REQUIRE(nodes.body.at("nodes").size() == 1);
  CHECK(nodes.body.at("nodes")[0].at("node") == "o1");
  CHECK(nodes.body.at("unread")[0].at("cluster") == "lab");
  const std::string told = ". Cure: " + cure;
  CHECK(nodes.body.at("unread")[0].at("reason").get<std::string>().ends_with(told));
  for (const std::string path : {"/v1/operator/nodes?cluster=lab", "/v1/operator/nodes/lab/m1"}) {
    const auto refused = ask("GET", path);
    CHECK(refused.status == 500);
    CHECK_MESSAGE(refused.message().ends_with(told), refused.body.dump());
  }
  if (order.empty()) return;
  const auto cured = ask("POST", "/v1/operator/nodes/lab/" + order, {{"reason", "unreadable"}});
  CHECK_MESSAGE(cured.status == 200, cured.body.dump());
  CHECK_FALSE(ask("GET", "/v1/operator/status").body.at("clusters")[0].contains("unread"));
}

TEST_CASE_FIXTURE(TwoClusters, "records that nothing asks for yet are told before something does") {
  std::string_view kind;
  std::string word, key;
  std::string cure =
      "restore the database from a backup of before, or ask for help with that record";
  SUBCASE("an authority") {
    kind = kinds::authority;
    word = "authority";
    key = "lab/kubernetes";
    cure =
        "restore the database from a backup of before: no machine of it trusts an authority that is made anew; or end it: muster cluster delete lab --confirm lab";
  }
  SUBCASE("a secret that the server made") {
    kind = kinds::secret;
    word = "secret";
    key = "lab/encryption-configuration/000000000001";
    cure =
        "restore the database from a backup of before: its cluster's tokens and Secrets are made with it; or end it: muster cluster delete lab --confirm lab";
  }
  SUBCASE("an operator's secret") {
    kind = kinds::secret;
    word = "secret";
    key = "lab/db/000000000001";
    cure =
        "muster secret set db --cluster lab, with its value, and then muster apply; or muster secret remove db --cluster lab";
  }
  SUBCASE("a row of the schedule") {
    kind = kinds::schedule;
    word = "schedule";
    key = "garbage";
  }
  CAPTURE(word);
  make_unreadable(store, kind, key);
  const auto unread = ask("GET", "/v1/operator/status").body.at("unreadRecords");
  REQUIRE(unread.size() == 1);
  CHECK(unread[0].at("kind") == word);
  CHECK(unread[0].at("name") == key);
  CHECK(unread[0].at("cure") == cure);
}

TEST_CASE_FIXTURE(TwoClusters,
                  "a cluster ends when that is confirmed, whatever can be read of it") {
  machine("n1");
  for (const auto kind : {kinds::machine, kinds::document, kinds::revision, kinds::secret,
                          kinds::authority, kinds::cluster}) {
    const auto records = all_records(store, kind, kind == kinds::cluster ? "lab" : "lab/").value();
    CHECK_MESSAGE(!records.empty(), kind);
    for (const Record& record : records) make_unreadable(store, kind, record.key);
  }
  make_unreadable(store, kinds::drain, "lab/n1");
  make_unreadable(store, kinds::member, "lab/w-1");
  REQUIRE(store.commit(Transaction().put(kinds::address, "10.77.1.1", "lab/w-1")));
  REQUIRE(start());
  const auto ended = ask("DELETE", "/v1/operator/clusters/lab?confirm=lab");
  CHECK_MESSAGE(ended.status == 200, ended.body.dump());
  for (const auto kind : {kinds::machine, kinds::document, kinds::drain, kinds::member,
                          kinds::secret, kinds::revision})
    CHECK_MESSAGE(store.count(kind, "lab/").value() == 0, kind);
  CHECK(store.count(kinds::address).value() == 0);
  apply(good);
  CHECK(document("lab", "n1").generation == 1);
}

TEST_CASE_FIXTURE(TwoClusters, "a release that cannot be read is told, and holds up nobody else") {
  make_unreadable(store, kinds::release, "zz/9.9.9");
  const auto status = ask("GET", "/v1/operator/status");
  REQUIRE_MESSAGE(status.status == 200, status.body.dump());
  CHECK(status.body.at("incompleteReleases")[0].at("name") == "zz");
  CHECK(status.body.at("incompleteReleases")[0].at("unread").get<std::string>().starts_with(
      "release manifest: refused"));
  apply(sample::small_inventory(", labels: {rack: r2}"));
  CHECK(ask("POST", "/v1/operator/nodes/other/o1/ban", {{"reason", "stolen"}}).status == 200);
}

TEST_CASE_FIXTURE(
    TwoClusters,
    "an unreadable token, template or operator costs itself alone, is told, and goes") {
  std::string_view kind;
  std::string word, key, list, cure;
  SUBCASE("a token") {
    kind = kinds::token;
    key = "00c0ffee";
    word = "token";
    list = "tokens";
    cure = "muster token revoke 00c0ffee";
  }
  SUBCASE("a template") {
    kind = kinds::cluster_template;
    key = "small";
    word = "template";
    list = "templates";
    cure = "muster template set small DIR, or muster template remove small";
  }
  SUBCASE("an operator") {
    kind = kinds::operator_record;
    key = "anna";
    word = "operator";
    list = "operators";
    cure =
        "muster operator revoke anna; if it is to go on, muster operator add anna with what it was held to (--templates, --clusters, --machines, --ttl), which nobody can read any more, or with --unrestricted";
  }
  CAPTURE(list);
  const auto before = ask("GET", "/v1/operator/" + list).body.at(list);
  make_unreadable(store, kind, key);
  const auto rows = ask("GET", "/v1/operator/" + list);
  REQUIRE_MESSAGE(rows.status == 200, rows.body.dump());
  CHECK(rows.body.at(list) == before);
  const auto unread = ask("GET", "/v1/operator/status").body.at("unreadRecords");
  REQUIRE(unread.size() == 1);
  CHECK(unread[0].at("kind") == word);
  CHECK(unread[0].at("name") == key);
  CHECK(unread[0].at("reason").get<std::string>().find("expected JSON") != std::string::npos);
  CHECK(unread[0].at("cure") == cure);
  CHECK(ask("DELETE", "/v1/operator/" + list + "/" + key).status < 300);
  CHECK(ask("GET", "/v1/operator/status").body.at("unreadRecords").empty());
}

TEST_CASE_FIXTURE(TwoClusters, "an unreadable token keeps no cluster from its end") {
  const auto made = ask("POST", "/v1/operator/tokens", {{"cluster", "other"}, {"role", "node"}});
  REQUIRE(made.status == 200);
  const auto tokens = all_records(store, kinds::token).value();
  REQUIRE(tokens.size() == 1);
  make_unreadable(store, kinds::token, tokens[0].key);
  REQUIRE(ask("DELETE", "/v1/operator/clusters/other?confirm=other").status == 200);
  CHECK(store.count(kinds::token).value() == 0);
  CHECK(store.count(kinds::cluster_token).value() == 0);
}
