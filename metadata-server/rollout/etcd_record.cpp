#include "rollout/etcd_record.hpp"

#include <nlohmann/json.hpp>

namespace muster {

std::string to_json(const EtcdRecord& record) {
  return nlohmann::json{{"asked", record.asked},
                        {"firstAsked", record.first_asked},
                        {"initialMembers", record.initial_members},
                        {"grantedAt", record.granted_at},
                        {"clusterId", record.cluster_id},
                        {"members", record.members},
                        {"joining", record.joining},
                        {"joiningSince", record.joining_since},
                        {"lost", record.lost},
                        {"restoredOn", record.restored_on},
                        {"restoredAt", record.restored_at}}
      .dump();
}

Result<EtcdRecord> parse_etcd_record(const std::optional<std::string>& json) {
  EtcdRecord record;
  if (!json) return record;
  try {
    const auto root = nlohmann::json::parse(*json);
    root.at("asked").get_to(record.asked);
    root.at("firstAsked").get_to(record.first_asked);
    root.at("initialMembers").get_to(record.initial_members);
    root.at("grantedAt").get_to(record.granted_at);
    root.at("clusterId").get_to(record.cluster_id);
    root.at("members").get_to(record.members);
    root.at("joining").get_to(record.joining);
    root.at("joiningSince").get_to(record.joining_since);
    root.at("lost").get_to(record.lost);
    record.restored_on = root.value("restoredOn", "");  // not in older records
    record.restored_at = root.value("restoredAt", std::int64_t{0});
  } catch (const nlohmann::json::exception& failure) {
    return fail(ErrorKind::corrupt, fmt::format("etcd record: {}", failure.what()));
  }
  return record;
}

}  // namespace muster
