// The question that a master asks before its etcd may start, and its answer, on the wire: both ends
// use these. Values; pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

// What a master says before its etcd may start, and what it is told.
struct EtcdTurnRequest {
  bool has_data = false;  // a data directory with a member in it
  bool state_mount_present = true;
  std::string cluster_id, member_id;  // when the member runs
  bool peer_answered = false;         // a listed peer answered on its client port
};
struct EtcdTurnAnswer {
  std::string action;  // "wait" | "start-new" | "join" | "start-existing" | "rejoin" | "refused"
  std::string initial_cluster;       // start-new: "m1=https://10.77.0.11:2380,..."
  std::vector<std::string> members;  // join: client URLs of masters that may be asked
  std::string reason;                // wait, rejoin, refused: for people
  std::chrono::milliseconds poll_after{500};
};

// camelCase JSON; unknown fields are refused, all problems at once.
[[nodiscard]] std::string to_json(const EtcdTurnRequest& request);
[[nodiscard]] Result<EtcdTurnRequest> parse_etcd_turn_request(std::string_view json);
[[nodiscard]] std::string to_json(const EtcdTurnAnswer& answer);
[[nodiscard]] Result<EtcdTurnAnswer> parse_etcd_turn_answer(std::string_view json);

}  // namespace muster
