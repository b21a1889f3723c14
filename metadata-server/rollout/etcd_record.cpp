#include "rollout/etcd_record.hpp"

#include "records/record_fields.hpp"

namespace muster {
namespace {

constexpr auto etcd_fields = [](auto& fields, auto& record) {
  fields.number_map("asked", record.asked);
  fields.number("firstAsked", record.first_asked);
  fields.texts("initialMembers", record.initial_members);
  fields.number("grantedAt", record.granted_at);
  fields.text("clusterId", record.cluster_id);
  fields.text_map("members", record.members);
  fields.text("joining", record.joining);
  fields.number("joiningSince", record.joining_since);
  fields.number_map("lost", record.lost);
  fields.text("restoredOn", record.restored_on, Presence::newer);
  fields.number("restoredAt", record.restored_at, Presence::newer);
  fields.number("reinitialisedAt", record.reinitialised_at, Presence::if_set);
  fields.text("reinitialisedBy", record.reinitialised_by, Presence::if_set);
  fields.text("before", record.before, Presence::if_set);
};

}  // namespace

std::string to_json(const EtcdRecord& record) {
  return record_text(record, etcd_fields);
}

Result<EtcdRecord> parse_etcd_record(const std::optional<std::string>& json) {
  if (!json) return EtcdRecord{};
  return parse_record<EtcdRecord>("etcd record", *json, etcd_fields);
}

}  // namespace muster
