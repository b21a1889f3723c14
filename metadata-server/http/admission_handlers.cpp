#include <spdlog/spdlog.h>

#include "enrolment/approval.hpp"
#include "enrolment/explain_enrolment.hpp"
#include "enrolment/join_token.hpp"
#include "enrolment/pending.hpp"
#include "enrolment/pending_reason.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {

Result<Response> get_pending(const Rooms& rooms, const Caller&, const Request&) {
  const auto machines = list_pending(rooms.enrolment);
  if (!machines) return pass(machines.error());
  nlohmann::json rows = nlohmann::json::array();
  const auto inventory = rooms.enrolment.inventory();
  for (const auto& machine : *machines) {
    const PendingReason why = why_pending(*inventory, machine);
    rows.push_back({{"reason", why.reason},
                    {"cure", why.cure},
                    {"fingerprint", machine.fingerprint},
                    {"cluster", machine.proposed.cluster},
                    {"node", machine.proposed.node},
                    {"approved", machine.approved.node},
                    {"source", machine.source},
                    {"since", machine.first_seen},
                    {"lastSeen", machine.last_seen},
                    {"hints",
                     {{"macs", machine.hints.macs},
                      {"uuid", machine.hints.uuid},
                      {"serial", machine.hints.serial},
                      {"hostname", machine.hints.hostname}}}});
  }
  return json_response({{"pending", rows}});
}

Result<Response> get_enrolment(const Rooms& rooms, const Caller&, const Request& request) {
  const auto explained = explain_enrolment(rooms.enrolment, request.parameters.at("name"),
                                           rooms.current.clusters(), &rooms.quarantine);
  if (!explained) return pass(explained.error());
  return text_response(to_json(*explained));
}

Result<Response> post_approve(const Rooms& rooms, const Caller& caller, const Request& request) {
  Approval approval;
  auto read = read_json_body("approve request", request, [&](JsonObject& root) {
    root.text("cluster", approval.cluster, Need::optional);
    root.text("name", approval.name);
    root.text("fingerprint", approval.fingerprint);
    root.flag("despiteMatch", approval.despite_match, Need::optional);
  });
  if (!read) return pass(read.error());
  const auto approved = approve(rooms.enrolment, approval, caller.text());
  if (!approved) return pass(approved.error());
  spdlog::info("{}: approved {}/{}, key {}", caller.text(), approved->approved.cluster,
               approved->approved.node, approved->fingerprint);
  return json_response({{"cluster", approved->approved.cluster},
                        {"node", approved->approved.node},
                        {"fingerprint", approved->fingerprint}});
}

Result<Response> get_tokens(const Rooms& rooms, const Caller&, const Request&) {
  const auto tokens = list_join_tokens(rooms.store);
  if (!tokens) return pass(tokens.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& token : *tokens) {
    rows.push_back({{"id", token.id},
                    {"cluster", token.cluster},
                    {"node", token.node},
                    {"pool", token.pool},
                    {"role", name(token.role)},
                    {"count", token.count},
                    {"left", token.remaining},
                    {"createdAt", token.created_at},
                    {"expiresAt", token.expires_at},
                    {"createdBy", token.created_by}});
  }
  return json_response({{"tokens", rows}});
}

Result<Response> post_tokens(const Rooms& rooms, const Caller& caller, const Request& request) {
  NewJoinToken order;
  std::uint32_t seconds = 3600;
  auto read = read_json_body("token request", request, [&](JsonObject& root) {
    root.text("cluster", order.cluster);
    root.text("node", order.node, Need::optional);
    root.text("pool", order.pool, Need::optional);
    root.word("role", order.role, parse_role, Need::optional);
    root.number("count", order.count, Need::optional);
    root.number("ttlSeconds", seconds, Need::optional);
  });
  if (!read) return pass(read.error());
  order.lifetime = std::chrono::seconds(seconds);
  const auto created = create_join_token(rooms.enrolment, order, caller.text());
  if (!created) return pass(created.error());
  spdlog::info("{}: made token {} for {} x {} in {}", caller.text(), created->id, order.count,
               name(order.role), order.cluster);
  Response response = json_response({{"id", created->id}, {"token", created->text}});
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<Response> delete_token(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& id = request.parameters.at("id");
  if (auto revoked = revoke_join_token(rooms.enrolment, id, caller.text()); !revoked) {
    return pass(revoked.error());
  }
  return json_response({{"id", id}});
}

}  // namespace muster::handlers
