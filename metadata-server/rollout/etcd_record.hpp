// What is kept of one cluster's etcd (store kind "etcd").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "result/result.hpp"

namespace muster {

struct EtcdRecord {
  std::map<std::string, std::int64_t>
      asked;  // before the right is given: node -> Unix milliseconds
  std::int64_t first_asked = 0;
  // Not empty: the right to initialise was given to these, at `granted_at`.
  std::vector<std::string> initial_members;
  std::int64_t granted_at = 0;
  std::string cluster_id;                      // not empty: final
  std::map<std::string, std::string> members;  // node -> member id, as reported by running members
  std::string joining;                         // the one node that may be a learner now
  std::int64_t joining_since = 0;
  std::map<std::string, std::int64_t> lost;  // members that came back without their data, when
  // Not empty: etcd was restored from a snapshot on this master, at `restored_at`. Until it runs
  // and the cluster id is known nobody else's word counts, and whoever has other data gives it up.
  std::string restored_on;
  std::int64_t restored_at = 0;
  // An operator said that there is no etcd any more (reinitialise_etcd), and none runs yet.
  std::int64_t reinitialised_at = 0;  // Unix milliseconds
  std::string reinitialised_by;
  std::string before;  // the record as it was, while the order can be taken back
};

[[nodiscard]] std::string to_json(const EtcdRecord& record);
[[nodiscard]] Result<EtcdRecord> parse_etcd_record(
    const std::optional<std::string>& json);  // nullopt: empty

}  // namespace muster
