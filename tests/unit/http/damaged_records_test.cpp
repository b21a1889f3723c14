// Every kind of record, one of it damaged: the server goes on, status names it with its cure, the
// cure works while it runs, and no other cluster feels it.
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "fakes/unreadable.hpp"
#include "records/all_records.hpp"
#include "records/seal.hpp"
#include "sample_pool.hpp"

using namespace muster;

namespace {

std::string other_inventory(const std::string& more = "") {
  return sample::cluster("  podCidr: 10.65.0.0/16\n", "other") +
         sample::node("o1", "master", 31, more, "other");
}

struct DamagedHouse : sample::PoolHouse {
  DamagedHouse() {
    start(2);
    REQUIRE(apply_other().status == 200);
    const std::string text = sample::small_template();
    REQUIRE(ask("PUT", "/v1/operator/templates/small", {{"files", {{"s.yaml", text}}}}).status ==
            200);
    REQUIRE(ask("POST", "/v1/operator/clusters",
                {{"name", "ci"}, {"template", "small"}, {"nodes", 2}, {"ttlSeconds", 3600}})
                .status == 200);
    REQUIRE(order("w-2", "drain").status == 200);
  }
  sample::Answer apply_other(const std::string& more = "") {
    return ask("POST", "/v1/operator/apply",
               {{"clusters", {"other"}},
                {"files", {{"other.yaml", other_inventory(more)}}},
                {"onCurrent", true}});
  }
  sample::Answer apply_lab() {
    return ask("POST", "/v1/operator/apply",
               {{"clusters", {"lab"}},
                {"files",
                 {{"site.yaml", sample::cluster("  nodeCidr: 10.77.0.0/16\n") +
                                    sample::pool("m", "master") + sample::pool("w", "node")}}},
                {"onCurrent", true}});
  }
  // What status says of damage: "CURE" of each, without what is missing of releases' files.
  std::vector<std::string> told() {
    const auto status = ask("GET", "/v1/operator/status");
    REQUIRE_MESSAGE(status.status == 200, status.body.dump());
    std::vector<std::string> cures;
    for (const char* list : {"quarantined", "unreadRecords"})
      for (const auto& row : status.body.at(list)) cures.push_back(row.at("cure"));
    for (const auto& row : status.body.at("clusters"))
      if (row.contains("unread")) cures.push_back(row.at("unread").at("cure"));
    for (const auto& row : status.body.at("incompleteReleases"))
      if (row.contains("unread")) cures.push_back("muster release import");
    return cures;
  }
};

using Cure = std::function<void(DamagedHouse& house, const std::string& key)>;

Cure call(const std::string& method, const std::string& target, const nlohmann::json& body = {}) {
  return [=](DamagedHouse& house, const std::string& key) {
    std::string path = target;
    if (const auto at = path.find("KEY"); at != std::string::npos) path.replace(at, 3, key);
    const auto answer = house.ask(method, path, body);
    CHECK_MESSAGE(answer.status < 300, answer.body.dump());
  };
}

struct Row {
  std::string kind, key;  // "": any that there is
  std::string cure;       // how what status says begins; "": it costs nothing
  Cure carry_out = {};    // what an operator can do while the server runs; none: a backup, or wait
};

const std::string restore = "restore the database from a backup of before";

const std::vector<Row>& rows() {
  static const auto end_ci = call("DELETE", "/v1/operator/clusters/ci?confirm=ci");
  static const auto end_lab = call("DELETE", "/v1/operator/clusters/lab?confirm=lab");
  static const std::vector<Row> all = {
      {"site", "settings", restore},
      {"site", "epoch", restore},
      {"site", "clock", ""},  // begun anew
      {"site-key", "", restore},
      {"document-key", "", restore},
      {"authority", "-/machines", restore + " (muster-server restore)"},
      {"authority", "lab/kubernetes", restore + ": no machine of it trusts", end_lab},
      {"revision", "lab/000000000001", "correct its inventory",
       [](DamagedHouse& house, const std::string&) { CHECK(house.apply_lab().status == 200); }},
      {"publication", "lab/000000000002", ""},  // of history: nobody goes back to it
      {"cluster", "lab", restore, end_lab},
      {"document", "lab/w-1", "the server writes them anew by itself",
       [](DamagedHouse& house, const std::string&) { CHECK(house.publisher.look()); }},
      {"due", "lab", ""},  // it is a mark all the same
      {"peers", "lab", "the server writes them anew by itself",
       [](DamagedHouse& house, const std::string&) { CHECK(house.publisher.look()); }},
      {"machine", "lab/w-1", "muster ban w-1 --cluster lab",
       call("POST", "/v1/operator/nodes/lab/w-1/ban", {{"reason", "unreadable"}})},
      {"ban", "lab/w-1", "muster ban w-1 --cluster lab --reason WHY",
       call("POST", "/v1/operator/nodes/lab/w-1/ban", {{"reason", "unreadable"}})},
      {"banned-key", "sha256:00", restore},
      {"member", "lab/w-1", "of a member that is named here",
       call("POST", "/v1/operator/nodes/lab/w-1/remove", {{"drain", false}})},
      {"address", "10.77.1.11", "muster node remove NAME"},
      {"instance", "i-0123456789abcdef0", "start another instance in the place of i-0123456789"},
      {"token", "", "muster token revoke ", call("DELETE", "/v1/operator/tokens/KEY")},
      {"pending", "sha256:00", ""},  // who asks again is noted anew
      {"secret", "lab/db/000000000001", "muster secret set db --cluster lab",
       call("DELETE", "/v1/operator/secrets/lab/db")},
      {"secret", "ci/encryption-configuration/000000000001", restore + ": its cluster's tokens",
       end_ci},
      {"report", "lab/w-1", ""},  // the next one takes its place
      {"served", "lab/w-1", ""},
      {"boot", "lab/w-1", ""},
      {"etcd", "lab", "a master whose etcd runs settles it", end_lab},
      {"turn", "lab", "muster node converge MASTER --cluster lab --cancel",
       call("POST", "/v1/operator/nodes/lab/m-1/converge", {{"cancel", true}})},
      {"template", "small", "muster template set small DIR",
       call("DELETE", "/v1/operator/templates/small")},
      {"on-demand", "ci", restore, end_ci},
      {"drain", "lab/w-2", "muster node undrain w-2 --cluster lab",
       call("POST", "/v1/operator/nodes/lab/w-2/undrain", nlohmann::json::object())},
      {"usage", "anna", ""},  // made anew from the clusters
      {"operator", "anna", "muster operator revoke anna",
       call("DELETE", "/v1/operator/operators/anna")},
      {"audit", "", ""},  // told in its place
      {"release", "cni-plugins/1.0.0", "muster release import"},
      {"cluster-token", "", ""},
      {"ended-token", "00c0ffee", ""},  // it lets nobody in either way
      {"tombstone", "sha256:00", "muster-agent reset --yes on the machine with that key"},
      {"schedule", "garbage", restore},
      {"sealed", "lab", "muster restore open lab --unheard",
       call("POST", "/v1/operator/restore/lab/open", {{"unheard", true}})},
      {"lost", "gone/m1", ""},
      {"unheard", "lab/m-1", ""},  // asked anew, whatever it shows
      {"learned", "lab/m-1", ""},  // shown anew
  };
  return all;
}

std::string any_key(const DamagedHouse& house, const Row& row) {
  if (!row.key.empty()) return row.key;
  const auto records = all_records(house.store, row.kind).value();
  REQUIRE_FALSE(records.empty());
  return records[0].key;
}

}  // namespace

TEST_CASE("every kind of record is damaged somewhere below") {
  std::ifstream file(MUSTER_TESTS_DIR "/../metadata-server/store/kinds.hpp");
  std::stringstream text;
  text << file.rdbuf();
  const std::string source = text.str();
  std::set<std::string> kinds, damaged;
  // Keys of kind "site" are declared without a word of what theirs are.
  const std::regex line(
      R"re(string_view (\w+) =\s*"([^"]+)"; *// <|string_view (site) =\s*"site";)re");
  for (std::sregex_iterator found(source.begin(), source.end(), line), end; found != end; ++found)
    kinds.insert((*found)[3].matched ? "site" : (*found)[2].str());
  for (const Row& row : rows()) damaged.insert(row.kind);
  CHECK(kinds == damaged);
}

TEST_CASE(
    "a damaged record is named by status with a cure that works, and costs no other cluster") {
  for (const Row& row : rows()) {
    CAPTURE(row.kind);
    CAPTURE(row.key);
    DamagedHouse house;
    REQUIRE(house.told().empty());
    const std::string key = any_key(house, row);
    make_unreadable(house.store, row.kind, key);
    REQUIRE(house.views.load());
    const auto told = house.told();
    CHECK(told.size() == (row.cure.empty() ? 0 : 1));
    if (!row.cure.empty() && !told.empty()) CHECK_MESSAGE(told[0].starts_with(row.cure), told[0]);
    CHECK(house.ask("GET", "/v1/operator/restore").status == 200);
    CHECK(house.ask("GET", "/v1/operator/audit").status == 200);
    CHECK(house.ask("GET", "/v1/operator/secrets").status == 200);
    CHECK(house.ask("GET", "/v1/operator/nodes").status == 200);
    CHECK(house.ask("POST", "/v1/operator/nodes/other/o1/ban", {{"reason", "stolen"}}).status ==
          200);
    // Without the site's own, or a release that it runs, nothing is published.
    if (row.kind != "release" && key != "epoch" && key != "settings")
      CHECK(house.apply_other(", labels: {a: b}").status == 200);
    if (!row.carry_out) continue;
    row.carry_out(house, key);
    CHECK(house.told().empty());
    REQUIRE(house.views.load());
    CHECK(house.told().empty());
  }
}

TEST_CASE("whatever an operator asks that needs a damaged record is answered with its cure") {
  DamagedHouse house;
  std::string_view kind;
  std::string key, cure;
  SUBCASE("a member") {
    kind = kinds::member;
    key = "lab/w-1";
    cure = ". Cure: of a member that is named here, NAME: muster node remove NAME --cluster lab";
  }
  SUBCASE("the cluster") {
    kind = kinds::cluster;
    key = "lab";
    cure = ". Cure: " + restore;
  }
  SUBCASE("a machine") {
    kind = kinds::machine;
    key = "lab/w-1";
    cure = ". Cure: muster ban w-1 --cluster lab";
  }
  CAPTURE(key);
  make_unreadable(house.store, kind, key);
  std::vector<sample::Answer> answers;
  if (kind != kinds::machine) answers.push_back(house.apply_lab());
  if (kind != kinds::cluster) answers.push_back(house.ask("GET", "/v1/operator/nodes/lab/w-1"));
  if (kind != kinds::cluster) answers.push_back(house.ask("GET", "/v1/operator/enrolment/w-1"));
  for (const auto& answer : answers) {
    CHECK(answer.body.at("kind") == "corrupt");
    CHECK_MESSAGE(answer.message().find(cure) != std::string::npos, answer.message());
    CHECK(answer.message().find("'" + key + "'") != std::string::npos);
  }
}

TEST_CASE(
    "an apply of two clusters says which cannot be read, its cure, and how the other goes on") {
  DamagedHouse house;
  make_unreadable(house.store, kinds::member, "lab/w-1");
  const auto refused =
      house.ask("POST", "/v1/operator/apply",
                {{"clusters", nlohmann::json::array()},
                 {"files",
                  {{"lab.yaml", sample::cluster("  nodeCidr: 10.77.0.0/16\n") +
                                    sample::pool("m", "master") + sample::pool("w", "node")},
                   {"other.yaml", other_inventory(", labels: {a: b}")}}},
                 {"onCurrent", true}});
  CHECK(refused.status == 500);
  CHECK(refused.message().starts_with("cluster 'lab': member 'lab/w-1': member record: refused"));
  CHECK_MESSAGE(
      refused.message().find(
          "; nothing of the folder was published: until it is cured, apply the others from a folder without cluster 'lab'. Cure: of a member") !=
          std::string::npos,
      refused.message());
}

TEST_CASE("a ban whose record cannot be read any more stands in what is published") {
  DamagedHouse house;
  REQUIRE(house.order("w-1", "ban", {{"reason", "stolen"}}).status == 200);
  const auto refused = [&] {
    return read_document(*house.current.document("lab", "m-1"))->config.banned_machines;
  };
  REQUIRE(refused() == std::vector<std::string>{"w-1"});
  make_unreadable(house.store, kinds::machine, "lab/w-1");
  REQUIRE(house.order("w-2", "ban", {{"reason", "stolen"}}).status == 200);
  CHECK(refused() == std::vector<std::string>{"w-1", "w-2"});
  // By its cure too, until an operator lets it in again.
  REQUIRE(house.order("w-1", "ban", {{"reason", "stolen"}}).status == 200);
  REQUIRE(house.order("w-1", "unban").status == 200);
  CHECK(refused() == std::vector<std::string>{"w-2"});
}

TEST_CASE("an address of which nobody can read whose it is, is not free") {
  DamagedHouse house;
  make_unreadable(house.store, kinds::address, "10.77.1.11");
  const auto refused = house.ask(
      "POST", "/v1/operator/apply",
      {{"clusters", {"other"}},
       {"files",
        {{"other.yaml",
          sample::cluster("  podCidr: 10.65.0.0/16\n  nodeCidr: 10.77.0.0/16\n", "other") +
              sample::node("o1", "master", 31, "", "other") +
              "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: o2}\nspec: {cluster: other, role: node, address: 10.77.1.11, match: {serial: o2}}\n"}}},
       {"onCurrent", true}});
  CHECK(refused.status == 500);
  CHECK_MESSAGE(
      refused.message() ==
          "cluster 'other': address '10.77.1.11': expected CLUSTER/NODE, found '{\"broken'. Cure: muster node remove NAME of the member that has it (muster node list): the address is free when its name is",
      refused.message());
}

TEST_CASE("the list of all secrets has none whose last version cannot be read, and all others") {
  DamagedHouse house;
  const auto set = [&](const char* cluster, const char* name, const char* value) {
    return house.ask("PUT", fmt::format("/v1/operator/secrets/{}/{}", cluster, name),
                     {{"value", base64_encode(value)}});
  };
  for (const char* value : {"a", "b"}) REQUIRE(set("lab", "db", value).status == 200);
  REQUIRE(set("other", "db", "a").status == 200);
  make_unreadable(house.store, kinds::secret, "lab/db/000000000002");
  const auto all = house.ask("GET", "/v1/operator/secrets").body;
  std::vector<std::string> clusters;
  for (const auto& row : all.at("secrets"))
    if (row.at("name") == "db") clusters.push_back(row.at("cluster"));
  CHECK_MESSAGE(clusters == std::vector<std::string>{"other"}, all.dump());
}
