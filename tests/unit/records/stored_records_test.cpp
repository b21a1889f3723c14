#include "unit/records/stored_record.hpp"

#include "pki/signature.hpp"
#include "records/audit.hpp"
#include "records/bans.hpp"
#include "records/boot_record.hpp"
#include "records/clock_record.hpp"
#include "records/drain.hpp"
#include "records/due.hpp"
#include "records/on_demand_record.hpp"
#include "records/pool_member.hpp"
#include "records/published_document.hpp"
#include "records/revision.hpp"
#include "records/secrets.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;

namespace {

void put(Store& store, std::string_view kind, const std::string& key, const std::string& text) {
  Transaction transaction;
  transaction.put(kind, key, text);
  REQUIRE(store.commit(transaction));
}

}  // namespace

TEST_CASE("a member's record") {
  StoredRecord record{
      "member record",
      R"({"address":"10.77.1.1","admittedAt":5,"cluster":"lab","endsAt":9,"key":"sha256:aa","leftGeneration":4,"node":"m-1","pool":"m","removedAt":7,"role":"master"})",
      rewritten_by(parse_member_record)};
  record.optional = {"/endsAt", "/leftGeneration"};
  check_stored(record);
  CHECK(
      to_json(MemberRecord{}) ==
      R"({"address":"","admittedAt":0,"cluster":"","endsAt":0,"key":"","leftGeneration":0,"node":"","pool":"","removedAt":0,"role":"node"})");
}

TEST_CASE("how a machine comes up") {
  StoredRecord record{
      "boot record",
      R"({"archiveAt":2,"bootId":"b","claim":"muster1.2.b","claimBefore":"muster1.1.a","claimUntil":3,"cluster":"lab","failedAt":4,"failure":"f","good":"image-tower/1","heardAt":5,"image":"image-tower/2","kernelAt":6,"node":"n1","readyAt":7,"refused":"image-tower/3","refusedAt":8,"reprovisionAt":9,"reprovisionBy":"operator anna","running":"image-tower/2","scriptAt":1,"source":"10.77.0.99","starts":3,"wipeAt":10,"wipeBy":"operator anna","wipeHandedAt":11,"wipeSerial":"S1","wipeTo":"10.77.0.99","wipedAt":12})",
      rewritten_by(parse_boot_record)};
  for (const char* field :
       {"archiveAt", "bootId",    "claim",         "claimBefore",   "claimUntil",   "failedAt",
        "failure",   "good",      "heardAt",       "image",         "kernelAt",     "readyAt",
        "refused",   "refusedAt", "reprovisionAt", "reprovisionBy", "running",      "scriptAt",
        "source",    "starts",    "wipeAt",        "wipeBy",        "wipeHandedAt", "wipeSerial",
        "wipeTo",    "wipedAt"})
    record.optional.push_back(std::string("/") + field);
  check_stored(record);
  CHECK(to_json(BootRecord{}) == R"({"cluster":"","node":""})");
  // One that cannot be read costs no start.
  MemoryStore store;
  put(store, kinds::boot, "lab/n1", "garbage");
  const auto found = find_boot(store, "lab", "n1");
  REQUIRE(found);
  CHECK(found->record.node == "n1");
  CHECK(found->version != 0);
}

TEST_CASE("a published document is read as it was written, whatever is in it") {
  for (const std::string text :
       {"", "{\"payload\":\"e30=\"}", "\\", "\"", "a\\\"b\n\x01", "\u00fc"}) {
    for (const std::uint32_t format : {1u, 7u}) {
      PublishedDocument document{"sha256:a", "sha256:b", text, 18446744073709551615u};
      document.format = format;
      const auto read = parse_published_document(to_json(document));
      REQUIRE(read);
      CHECK(read->envelope == text);
      CHECK(read->format == format);
      CHECK(read->generation == document.generation);
      CHECK(to_json(*read) == to_json(document));
    }
  }
}

TEST_CASE("the record of a published document") {
  StoredRecord record{
      "published document",
      R"({"content":"sha256:c","digest":"sha256:d","envelope":"{\"a\":\"\\u00fc\"}","format":2,"generation":7})",
      rewritten_by(parse_published_document)};
  record.optional = {"/format"};
  check_stored(record);
  CHECK(to_json(PublishedDocument{}) ==
        R"({"content":"","digest":"","envelope":"","generation":0})");
}

TEST_CASE("the record of a cluster on demand") {
  StoredRecord record{
      "on-demand cluster record",
      R"({"createdAt":1,"createdBy":"operator anna","expiresAt":2,"masters":3,"mastersPool":"m","name":"ci-1","nextAt":4,"nodes":5,"nodesPool":"n","openTokens":["00ff"],"template":"small"})",
      rewritten_by(parse_on_demand_cluster)};
  record.optional = {"/openTokens"};
  check_stored(record);
  CHECK(
      to_json(OnDemandCluster{}) ==
      R"({"createdAt":0,"createdBy":"","expiresAt":0,"masters":1,"mastersPool":"","name":"","nextAt":0,"nodes":0,"nodesPool":"","template":""})");
}

TEST_CASE("a drain's record") {
  check_stored(
      {"drain record",
       R"({"by":"operator anna","cluster":"lab","givenUp":true,"node":"n1","orderedAt":-1,"remove":false,"since":18446744073709551615,"until":3})",
       rewritten_by(parse_drain_record)});
}

TEST_CASE("a ban's record") {
  check_stored({"ban record", R"({"by":"operator anna","reason":"stolen","since":1795242048})",
                rewritten_by(parse_ban_record)});
}

TEST_CASE("a revision's record") {
  StoredRecord record{
      "revision",
      R"({"actor":"operator anna","cluster":"lab","digest":"sha256:a","facts":{"authorities":{},"bannedMachines":[],"catalogue":[],"departedMachines":[],"members":[],"podCidrs":{},"secrets":{},"site":"sha256:b","started":false},"files":{"lab.yaml":"kind: \"Clüster\"\n"},"instanceMasters":0,"machines":1,"number":3,"publishedAt":1795242048,"rollbackOf":1})",
      rewritten_by(parse_revision)};
  record.optional = {"/instanceMasters", "/machines"};
  record.maps = {"/files"};
  record.foreign = {"/facts"};
  check_stored(record);
  std::string damaged = record.golden;
  damaged.replace(damaged.find(R"("site":"sha256:b")"), 17, R"("site":5)");
  CHECK(parse_revision(damaged).error().message.starts_with("revision: "));
}

TEST_CASE("a publication's record") {
  StoredRecord record{
      "publication",
      R"({"actor":"server","cause":"ban of n1","cluster":"lab","content":2,"digest":"sha256:a","machines":1,"number":3,"publishedAt":5,"rollbackOf":0})",
      rewritten_by(parse_revision)};
  record.optional = {"/machines", "/cause"};
  const std::string golden = record.golden;
  CHECK(record.rewrite(golden).value() == golden);
  // Without its content it is a revision that has no files.
  CHECK(parse_revision(R"({"actor":"server","cluster":"lab","content":2,"number":3})")
            .error()
            .message.starts_with("publication: refused, 3 problems:\n/digest: expected a string"));
}

TEST_CASE("a cluster's record") {
  StoredRecord record{
      "cluster record",
      R"({"actor":"operator anna","bannedMachines":["n3"],"departed":{"n9":1795242048},"documentKey":"sha256:c","fixed":{"dnsDomain":"cluster.local","etcdTopology":"stacked","podCidr":"10.64.0.0/16","serviceCidr":"10.96.0.0/16"},"inventory":"sha256:d","kept":{"n2":"why"},"name":"lab","podCidrs":{"m1":"10.64.0.0/24"},"publishedAt":1795242048,"releases":{"kubernetes":"1.36.2"},"revision":"sha256:a","revisionNumber":3})",
      rewritten_by(parse_cluster_record)};
  record.optional = {"/bannedMachines", "/departed", "/documentKey",
                     "/inventory",      "/kept",     "/releases"};
  record.maps = {"/departed", "/kept", "/podCidrs", "/releases"};
  check_stored(record);
  CHECK(
      to_json(ClusterRecord{}) ==
      R"({"actor":"","departed":{},"documentKey":"","fixed":{"dnsDomain":"","etcdTopology":"","podCidr":"","serviceCidr":""},"name":"","podCidrs":{},"publishedAt":0,"revision":"","revisionNumber":0})");
  ClusterRecord newer;
  newer.history = {1, 2};
  CHECK(to_json(newer) == to_json(ClusterRecord{}));
  newer.content = 2;
  CHECK(parse_cluster_record(to_json(newer))->history == newer.history);
  newer.history.clear();
  CHECK(to_json(newer).find(R"("history":[])") != std::string::npos);
}

// That it is there says enough: damage makes nothing of it wait.
TEST_CASE("a due mark") {
  MemoryStore store;
  const std::string golden = R"({"by":"expiry","since":5,"why":"ban of n1"})";
  const auto marked = [&](const std::string& text) {
    put(store, kinds::due, "lab", text);
    Transaction transaction;
    const auto mark = find_due(store, "lab");
    REQUIRE(mark);
    REQUIRE(mark_due(store, "lab", (*mark)->why, (*mark)->by, TimePoint(std::chrono::seconds(7)),
                     transaction));
    return *transaction.changes.at(0).value;
  };
  CHECK(marked(golden) == golden);
  for (const char* damaged : {"", "{", "[]", R"({"by":"expiry","since":"5","why":"ban of n1"})"})
    CHECK(marked(damaged) == R"({"by":"server","since":7,"why":"a mark that cannot be read"})");
}

TEST_CASE("a row of the audit") {
  check_stored(
      {"audit 'a': audit row",
       R"({"action":"applied","actor":"operator anna","detail":"","subject":"lab","time":5})",
       [](const std::string& text) -> Result<std::string> {
         MemoryStore store;
         put(store, kinds::audit, "a", text);
         const auto rows = list_audit(store, "", 1);
         if (!rows) return pass(rows.error());
         const AuditRow& row = rows->at(0);
         Transaction transaction;
         append_audit(transaction, TimePoint(std::chrono::microseconds(row.time)), row.actor,
                      row.action, row.subject, row.detail);
         return *transaction.changes.at(0).value;
       }});
}

TEST_CASE("a secret's record") {
  const SealingKey sealing{random_bytes(32)};
  Transaction made;
  REQUIRE(create_secret(sealing, "lab", "db", "hunter2", TimePoint(std::chrono::seconds(5)), made));
  const std::string golden = *made.changes.at(0).value;
  CHECK(golden.starts_with(R"({"createdAt":5,"sealedValue":")"));
  check_stored(
      {"secret 'lab/db/000000000001'", golden, [&](const std::string& text) -> Result<std::string> {
         MemoryStore store;
         put(store, kinds::secret, "lab/db/000000000001", text);
         const auto value = get_secret(store, sealing, "lab", "db", 1);
         if (!value) return pass(value.error());
         CHECK(*value == "hunter2");
         CHECK(list_secrets(store).value().at(0).created_at == 5);
         return text;
       }});
}

TEST_CASE("the clock's record; one that cannot be read is none") {
  MemoryStore store;
  CHECK_FALSE(find_highest_time(store).value());
  Transaction transaction;
  put_highest_time(1795242048, transaction);
  CHECK(transaction.changes.at(0).value == R"({"time":1795242048})");
  REQUIRE(store.commit(transaction));
  CHECK(find_highest_time(store).value() == 1795242048);
  for (const char* damaged : {"", "[]", "{}", R"({"time":"5"})", R"({"time":1.5})"}) {
    put(store, kinds::site, std::string(kinds::clock_key), damaged);
    CHECK_FALSE(find_highest_time(store).value());
  }
}
