#include "rollout/etcd_record.hpp"
#include "rollout/turn_record.hpp"
#include "unit/records/stored_record.hpp"

using namespace muster;

TEST_CASE("the record of a cluster's turns") {
  StoredRecord record{
      "turn record",
      R"({"grant":{"bootId":"b","counter":7,"generation":3,"grantedAt":2,"order":{"by":"operator anna","node":"m1","orderedAt":1},"told":true},"waiting":[{"by":"server","node":"m2","orderedAt":4}]})",
      rewritten_by(parse_turn_record)};
  record.optional = {"/grant"};
  check_stored(record);
  CHECK(to_json(TurnRecord{}) == R"({"waiting":[]})");
  CHECK(parse_turn_record("{}").error().kind == ErrorKind::corrupt);
}

TEST_CASE("the record of a cluster's etcd") {
  StoredRecord record{
      "etcd record",
      R"({"asked":{"m1":1000},"clusterId":"c1","firstAsked":1000,"grantedAt":2000,"initialMembers":["m1","m2"],"joining":"m3","joiningSince":3000,"lost":{"m2":4000},"members":{"m1":"a"},"restoredAt":5000,"restoredOn":"m1"})",
      rewritten_by([](const std::string& text) { return parse_etcd_record(text); })};
  record.optional = {"/restoredAt", "/restoredOn"};
  record.maps = {"/asked", "/lost", "/members"};
  check_stored(record);
  CHECK(
      to_json(EtcdRecord{}) ==
      R"({"asked":{},"clusterId":"","firstAsked":0,"grantedAt":0,"initialMembers":[],"joining":"","joiningSince":0,"lost":{},"members":{},"restoredAt":0,"restoredOn":""})");
  CHECK(parse_etcd_record("{}").error().kind == ErrorKind::corrupt);
  CHECK(parse_etcd_record(record.golden.substr(0, 20))
            .error()
            .message.starts_with("etcd record: refused, 1 problem:\n/: expected JSON, found "));
}
