#include "client/etcd_turn.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

constexpr JsonLimits limits{64u << 10, 4};

}  // namespace

std::string to_json(const EtcdTurnRequest& request) {
  return canonical_text({{"hasData", request.has_data},
                         {"stateMountPresent", request.state_mount_present},
                         {"clusterId", request.cluster_id},
                         {"memberId", request.member_id},
                         {"peerAnswered", request.peer_answered}});
}

Result<EtcdTurnRequest> parse_etcd_turn_request(std::string_view text) {
  const auto json = parse_strict_json("etcd turn request", text, limits);
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  EtcdTurnRequest request;
  JsonObject root(*json, "", problems);
  root.flag("hasData", request.has_data);
  root.flag("stateMountPresent", request.state_mount_present);
  root.text("clusterId", request.cluster_id);
  root.text("memberId", request.member_id);
  root.flag("peerAnswered", request.peer_answered);
  root.close();
  if (!problems.empty()) return fail("etcd turn request", problems);
  return request;
}

std::string to_json(const EtcdTurnAnswer& answer) {
  return canonical_text({{"action", answer.action},
                         {"initialCluster", answer.initial_cluster},
                         {"members", answer.members},
                         {"reason", answer.reason},
                         {"pollAfterMs", answer.poll_after.count()}});
}

Result<EtcdTurnAnswer> parse_etcd_turn_answer(std::string_view text) {
  const auto json = parse_strict_json("etcd turn answer", text, limits);
  if (!json) return pass(json.error());
  std::vector<Problem> problems;
  EtcdTurnAnswer answer;
  std::uint32_t milliseconds = 500;
  JsonObject root(*json, "", problems, UnknownFields::ignored);
  root.text("action", answer.action);
  root.text("initialCluster", answer.initial_cluster);
  root.texts("members", answer.members);
  root.text("reason", answer.reason);
  root.number("pollAfterMs", milliseconds);
  root.close();
  if (!problems.empty()) return fail("etcd turn answer", problems);
  answer.poll_after = std::chrono::milliseconds(milliseconds);
  return answer;
}

}  // namespace muster
