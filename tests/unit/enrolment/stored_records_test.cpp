#include "enrolment/instance_use.hpp"
#include "enrolment/operators.hpp"
#include "enrolment/pending.hpp"
#include "enrolment/quota.hpp"
#include "enrolment/tombstone.hpp"
#include "sample_enrolment.hpp"
#include "unit/records/stored_record.hpp"

using namespace muster;

TEST_CASE("a machine's record") {
  StoredRecord record{
      "machine record",
      R"({"boots":[{"bootId":"b","counter":7,"firstSentAt":8,"machineId":"m"}],"claimant":{"issuedAt":5,"key":"sha256:e","notAfter":6,"serial":"03"},"cluster":"lab","convergeOrdered":true,"current":{"issuedAt":1,"key":"sha256:a","notAfter":2,"serial":"01"},"enrolledAt":5,"freezeReason":"f","frozen":true,"node":"n1","previous":{"issuedAt":3,"key":"sha256:b","notAfter":4,"serial":"02"},"renewed":["sha256:d"],"replaceKey":"sha256:c","replaceOrdered":true,"serial":"s","uuid":"u"})",
      rewritten_by(parse_machine_record)};
  record.optional = {"/claimant", "/current", "/previous", "/renewed"};
  check_stored(record);
  CHECK(
      to_json(MachineRecord{}) ==
      R"({"boots":[],"cluster":"","convergeOrdered":false,"enrolledAt":0,"freezeReason":"","frozen":false,"node":"","renewed":[],"replaceKey":"","replaceOrdered":false,"serial":"","uuid":""})");
  std::string older = to_json(MachineRecord{});
  older.insert(1, R"("banReason":"b","banned":true,"refusedAt":6,)");
  CHECK(to_json(parse_machine_record(older).value()) == to_json(MachineRecord{}));
}

TEST_CASE("an operator's record") {
  StoredRecord record{
      "operator record",
      R"({"createdAt":5,"createdBy":"root","key":"sha256:a","limits":{"clusters":2,"machines":9,"templates":["small"],"ttlSeconds":3600},"name":"ci","notAfter":7,"revoked":false,"serial":"01"})",
      rewritten_by(parse_operator_record)};
  record.optional = {"/limits"};
  check_stored(record);
  CHECK(
      to_json(OperatorRecord{}) ==
      R"({"createdAt":0,"createdBy":"","key":"","name":"","notAfter":0,"revoked":false,"serial":""})");
}

TEST_CASE("a join token's record") {
  StoredRecord record{
      "join token record",
      R"({"cluster":"lab","count":3,"createdAt":1,"createdBy":"operator anna","expiresAt":2,"id":"00ff","node":"","pool":"ci","remaining":2,"role":"follower","secretHash":"sha256:a"})",
      rewritten_by(parse_join_token)};
  record.optional = {"/pool"};
  check_stored(record);
  CHECK(
      to_json(JoinToken{}) ==
      R"({"cluster":"","count":1,"createdAt":0,"createdBy":"","expiresAt":0,"id":"","node":"","pool":"","remaining":1,"role":"node","secretHash":""})");
}

TEST_CASE("the record of a machine that waits") {
  check_stored(
      {"pending machine record",
       R"({"approved":{"cluster":"","node":""},"approvedBy":"","bootId":"b","fingerprint":"sha256:a","firstSeen":1,"hostname":"h","lastSeen":2,"machineId":"m","macs":["02:4d:55:00:00:01"],"proposed":{"cluster":"lab","node":"n1"},"serial":"s","source":"192.0.2.1","uuid":"u"})",
       rewritten_by(parse_pending_machine)});
}

TEST_CASE("an instance's record") {
  const StoredRecord record{
      "instance record",
      R"({"cluster":"lab","instance":"i-5","key":"sha256:a","launchedAt":5,"node":"ci-1","usedAt":6})",
      rewritten_by(parse_instance_use)};
  check_stored(record);
  std::string older = record.golden;
  older.insert(older.find(R"("usedAt")"), R"("refusedAt":6,)");
  CHECK(record.rewrite(older).value() == record.golden);
}

TEST_CASE("a tombstone's record") {
  check_stored({"tombstone record",
                R"({"cluster":"lab","endedAt":5,"node":"n1","onDelete":"reset"})",
                rewritten_by(parse_tombstone_record)});
  StoredRecord by_ttl{
      "tombstone record",
      R"({"byTtl":true,"cluster":"lab","endedAt":5,"node":"n1","onDelete":"reset"})",
      rewritten_by(parse_tombstone_record)};
  by_ttl.optional = {"/byTtl"};
  check_stored(by_ttl);
}

TEST_CASE("the index of an operator's clusters") {
  MemoryStore store;
  OperatorRecord limited;
  limited.name = "ci";
  limited.limits = OperatorLimits{{"small"}, 5, 9, std::chrono::hours(1)};
  Transaction known;
  known.put(kinds::operator_record, "ci", to_json(limited));
  REQUIRE(store.commit(known));
  Caller caller;
  caller.name = "ci";
  caller.restricted = true;
  const auto claimed_with = [&](const std::string& text) {
    Transaction stored, claimed;
    stored.put(kinds::usage, "ci", text);
    REQUIRE(store.commit(stored));
    REQUIRE(claim_quota(store, caller, {"ci-1", "small", 1}, claimed));
    return *claimed.changes.at(0).value;
  };
  const std::string golden = R"({"clusters":["ci-1"]})";
  CHECK(claimed_with(golden) == golden);
  // One that cannot be read is made anew from the clusters that there are.
  for (const char* damaged :
       {"", "{", "[]", R"({"clusters":"ci-1"})", R"({"clusters":[],"zzz":1})"})
    CHECK(claimed_with(damaged) == golden);
}
