// Machines as operators see them, and the orders that operators give about one.
#include <spdlog/spdlog.h>

#include <map>

#include "document/document_format.hpp"
#include "enrolment/quota.hpp"
#include "fleet/known_clusters.hpp"
#include "fleet/machine_trouble.hpp"
#include "fleet/network_starts.hpp"
#include "fleet/node_orders.hpp"
#include "fleet/node_state.hpp"
#include "fleet/served_document.hpp"
#include "fleet/standing.hpp"
#include "fleet/unread_records.hpp"
#include "fleet/vanished.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/node_page.hpp"
#include "http/rooms.hpp"
#include "records/all_records.hpp"
#include "records/bans.hpp"
#include "store/kinds.hpp"

namespace muster::handlers {
namespace {

// Null where nothing is ordered. `key`: the only one that may come, "" for any.
nlohmann::json replacement_of(const MachineRecord& record) {
  if (!record.replace_ordered) return nullptr;
  return {{"orderedAt", record.replace_ordered_at}, {"key", record.replace_key}};
}

// Of a node; a master's is its turn.
nlohmann::json converge_of(const MachineRecord& record) {
  if (!record.converge_ordered) return nullptr;
  return {{"orderedAt", record.converge_ordered_at}};
}

// What is listed is read nowhere; a document that is kept may be of an earlier inventory.
ServedIdentity identity_of(const Rooms& rooms, const NodeName& node, const ServedAnswer& answer) {
  const auto inventory = rooms.enrolment.inventory();
  const ListedNode* listed = inventory->node(node);
  const auto served = rooms.current.cluster(node.cluster);
  const bool is_kept = served && served->kept.contains(node.node);
  if (listed == nullptr || listed->address.empty() || is_kept) return served_identity(answer);
  return {std::string(name(listed->role)), listed->address, {}};
}

std::string reason_of_ban(const FoundMachine& machine) {
  return machine.ban ? machine.ban->reason : std::string();
}

nlohmann::json summary(const Rooms& rooms, const NodeName& node, const ServedAnswer& answer,
                       const FoundMachine& machine, const NodeStates& states,
                       const MachineTroubles& troubles) {
  const MachineRecord& record = machine.record;
  const ServedIdentity identity = identity_of(rooms, node, answer);
  const HeardMachine heard = rooms.reports.find(node);
  const bool reported = heard.report.has_value();
  const bool is_judged = reported && heard.report->configuration;
  const MachineTrouble trouble = troubles.of(node, machine);
  const std::int64_t silence =
      rooms.reports.silence_of(node, rooms.enrolment.now(), record.enrolled_at);
  return {{"cluster", node.cluster},
          {"node", node.node},
          {"role", identity.role},
          {"address", identity.address},
          {"generation", answer.generation},
          {"state", states.word(node, machine)},
          {"standing", name(standing_of(heard, machine, answer.digest(), silence))},
          {"drain", states.drain(node.node)},
          {"turn", states.turn(node.node)},
          {"replace", replacement_of(record)},
          {"converge", converge_of(record)},
          {"banReason", reason_of_ban(machine)},
          {"verdict", reported ? std::string(name(heard.report->verdict)) : std::string()},
          {"configuration",
           is_judged ? std::string(name(*heard.report->configuration)) : std::string()},
          {"unwell", reported ? heard.report->unwell.size() : 0},
          {"reason", trouble.reason},
          {"cure", trouble.cure},
          {"failureClass", reported ? heard.report->failure_class : std::string()},
          {"inForce", reported ? generation_in_force(*heard.report) : std::uint64_t{0}},
          {"pending", reported ? heard.report->pending : std::vector<std::string>()},
          {"seenAt", heard.seen_at}};
}

nlohmann::json identity_of(const FoundMachine& machine) {
  const MachineRecord& record = machine.record;
  if (!record.current) return nullptr;
  return {{"fingerprint", record.current->key},       {"serial", record.current->serial},
          {"notAfter", record.current->not_after},    {"enrolledAt", record.enrolled_at},
          {"replaceOrdered", record.replace_ordered}, {"banReason", reason_of_ban(machine)},
          {"freezeReason", record.freeze_reason},     {"hardwareUuid", record.uuid},
          {"hardwareSerial", record.serial}};
}

// Names that are nobody's until `muster unban`: whoever had them is served nothing any more.
Result<nlohmann::json> banned_names(const Rooms& rooms, const Caller& caller,
                                    const NodeQuery& query) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& cluster : rooms.current.clusters()) {
    const bool is_wanted = query.cluster.empty() || cluster == query.cluster;
    if (!is_wanted || !check_owns(rooms.store, caller, cluster)) continue;
    const auto bans = list_bans(rooms.store, cluster);
    if (!bans) return pass(bans.error());
    for (const auto& [node, ban] : *bans) {
      if (!query.node.empty() && node != query.node) continue;
      if (rooms.current.document(cluster, node) != nullptr) continue;
      rows.push_back(
          {{"cluster", cluster}, {"node", node}, {"reason", ban.reason}, {"since", ban.since}});
    }
  }
  return rows;
}

}  // namespace

Result<Response> get_nodes(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto query = read_node_query(request);
  if (!query) return pass(query.error());
  // Whoever sees some clusters alone is told of no others.
  if (auto known = check_known(rooms, query->cluster); !known && !caller.restricted)
    return pass(known.error());
  const auto troubles = MachineTroubles::gather(rooms);
  if (!troubles) return pass(troubles.error());
  nlohmann::json rows = nlohmann::json::array(), unread = rows;
  // Of one cluster: the others are listed all the same.
  const auto is_left_out = [&](const std::string& cluster, const Error& error) {
    if (!query->cluster.empty() || is_store_away(error)) return false;
    unread.push_back({{"cluster", cluster}, {"reason", with_cure(rooms, error).message}});
    return true;
  };
  for (const auto& cluster : rooms.current.clusters()) {
    const bool is_wanted = query->cluster.empty() || cluster == query->cluster;
    if (!is_wanted || cluster < query->after.cluster) continue;
    if (!check_owns(rooms.store, caller, cluster)) continue;
    const auto served = rooms.current.cluster(cluster);
    if (!served) continue;
    const auto states = NodeStates::gather(rooms, cluster);
    if (!states && is_left_out(cluster, states.error())) continue;
    if (!states) return pass(states.error());
    const NodePage page = page_of(*served, cluster, *query, query->limit - rows.size());
    auto machines = machines_of(rooms.store, cluster, page);
    if (!machines && is_left_out(cluster, machines.error())) continue;
    if (!machines) return pass(machines.error());
    for (const auto& [node, answer] : page)
      rows.push_back(
          summary(rooms, {cluster, node}, *answer, (*machines)[node], *states, *troubles));
    if (rows.size() < query->limit) continue;
    return json_response({{"nodes", std::move(rows)},
                          {"unread", std::move(unread)},
                          {"next", kinds::pair_key(cluster, page.back().first)}});
  }
  auto banned = banned_names(rooms, caller, *query);
  if (!banned) return pass(banned.error());
  return json_response({{"nodes", std::move(rows)},
                        {"unread", std::move(unread)},
                        {"banned", std::move(*banned)},
                        {"next", ""}});
}

Result<Response> get_node(const Rooms& rooms, const Caller&, const Request& request) {
  const NodeName node{request.parameters.at("cluster"), request.parameters.at("node")};
  if (auto known = check_known(rooms, node.cluster); !known) return pass(known.error());
  // Its document may be served still: that goes with the publication that is due.
  const auto removed = removed_member(rooms, node);
  if (!removed) return pass(removed.error());
  if (*removed) return json_response(**removed);
  const auto answer = served_answer(rooms, node);
  if (!answer) return pass(answer.error());
  const auto machine = find_machine(rooms.store, node);
  if (!machine) return pass(machine.error());
  const auto states = NodeStates::gather(rooms, node.cluster);
  if (!states) return pass(states.error());
  const auto vanishes = vanishes_at(rooms, node);
  const auto troubles = MachineTroubles::gather(rooms);
  if (!troubles) return pass(troubles.error());
  nlohmann::json row = summary(rooms, node, **answer, *machine, *states, *troubles);
  row["vanishesAt"] = vanishes.value_or(0);
  row["digest"] = (*answer)->digest();
  row["identity"] = identity_of(*machine);
  row["fingerprint"] = machine->record.current ? machine->record.current->key : std::string();
  const HeardMachine heard = rooms.reports.find(node);
  row["served"] = heard.served;
  row["boot"] = to_value(whole_timeline(heard.boot, rooms.boots.find(node)));
  row["start"] = start_value(rooms, node, heard);
  const auto document = read_document(**answer);
  if (document && heard.report)
    row["agentTooOld"] =
        too_old(*heard.report, needs_of(*document, rooms.publishing.later), node.node);
  row["report"] = heard.report ? nlohmann::json::parse(to_json(*heard.report), nullptr, false)
                               : nlohmann::json(nullptr);
  return json_response(row);
}

Result<Response> post_node_order(const Rooms& rooms, const Caller& caller, const Request& request) {
  NodeOrder order;
  order.node = {request.parameters.at("cluster"), request.parameters.at("node")};
  order.by = caller.text();
  const auto kind = parse_node_order_kind(request.parameters.at("order"));
  if (!kind) return pass(kind.error());
  order.kind = *kind;
  // When a cluster ended, its machines' keys are banned still.
  const auto known = check_known(rooms, order.node.cluster);
  if (!known && order.kind != NodeOrderKind::unban) return pass(known.error());
  std::uint32_t seconds = 600;
  auto read = read_json_body("order", request, [&](JsonObject& root) {
    root.text("reason", order.reason, Need::optional);
    root.text("keep", order.keep,
              order.kind == NodeOrderKind::unfreeze ? Need::required : Need::optional);
    root.text("serial", order.serial, Need::optional);
    root.flag("drain", order.drain, Need::optional);
    root.flag("cancel", order.cancel, Need::optional);
    root.number("timeoutSeconds", seconds, Need::optional);
    // Of any order: what nobody would read is no place for a slip either.
    if (seconds < 60 || seconds > 86400)
      root.problem("timeoutSeconds", fmt::format("expected 60 to 86400, found {}", seconds));
  });
  if (!read) return pass(read.error());
  order.limit = std::chrono::seconds(seconds);
  const auto outcome = give_order(rooms, order);
  if (!outcome && !known) return pass(known.error());
  if (!outcome) return pass(outcome.error());
  const bool is_taken_back = order.cancel && can_be_taken_back(order.kind);
  nlohmann::json answer = {
      {"cluster", order.node.cluster},
      {"node", order.node.node},
      {"order", fmt::format("{}{}", is_taken_back ? "cancel-" : "", name(order.kind))}};
  if (!outcome->is_changed) answer["unchanged"] = true;
  if (outcome->waits_for) answer["waitsFor"] = *outcome->waits_for;
  if (outcome->revision) answer["revision"] = *outcome->revision;
  if (outcome->unpublished)
    answer["unpublished"] = {{"kind", outcome->unpublished->code},
                             {"message", outcome->unpublished->message}};
  if (outcome->removal) {
    answer["draining"] = outcome->removal->is_draining;
    answer["undrained"] = outcome->removal->undrained;
  }
  spdlog::info("{}: {} {}/{}{}", caller.text(), answer["order"].get<std::string>(),
               order.node.cluster, order.node.node,
               outcome->removal && outcome->removal->is_draining ? ", drained first" : "");
  return json_response(answer);
}

}  // namespace muster::handlers
