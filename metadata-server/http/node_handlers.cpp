// Machines as operators see them, and the orders that operators give about one.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "document/document_format.hpp"
#include "enrolment/ban.hpp"
#include "enrolment/quota.hpp"
#include "fleet/machine_removal.hpp"
#include "fleet/machine_trouble.hpp"
#include "fleet/master_turns.hpp"
#include "fleet/node_state.hpp"
#include "fleet/served_document.hpp"
#include "fleet/standing.hpp"
#include "fleet/vanished.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/node_page.hpp"
#include "http/rooms.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster::handlers {
namespace {

// The report's generation is that of the newest document: what is in force may be an older one,
// whose generation nobody tells.
std::uint64_t generation_in_force(const Report& report) {
  const bool is_newest =
      report.fetched_digest.empty() || report.document_digest == report.fetched_digest;
  return is_newest ? report.generation : 0;
}

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
  return {std::string(name(listed->role)), listed->address};
}

nlohmann::json summary(const Rooms& rooms, const NodeName& node, const ServedAnswer& answer,
                       const MachineRecord& record, const NodeStates& states,
                       const MachineTroubles& troubles) {
  const ServedIdentity identity = identity_of(rooms, node, answer);
  const HeardMachine heard = rooms.reports.find(node);
  const bool reported = heard.report.has_value();
  const bool is_judged = reported && heard.report->configuration;
  const MachineTrouble trouble = troubles.of(node, record);
  const std::int64_t silence =
      rooms.reports.silence_of(node, rooms.enrolment.now(), record.enrolled_at);
  return {{"cluster", node.cluster},
          {"node", node.node},
          {"role", identity.role},
          {"address", identity.address},
          {"generation", answer.generation},
          {"state", states.word(node, record)},
          {"standing", name(standing_of(heard, record, answer.digest(), silence))},
          {"drain", states.drain(node.node)},
          {"turn", states.turn(node.node)},
          {"replace", replacement_of(record)},
          {"converge", converge_of(record)},
          {"banReason", record.ban_reason},
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

nlohmann::json identity_of(const MachineRecord& record) {
  if (!record.current) return nullptr;
  return {{"fingerprint", record.current->key},       {"serial", record.current->serial},
          {"notAfter", record.current->not_after},    {"enrolledAt", record.enrolled_at},
          {"replaceOrdered", record.replace_ordered}, {"banReason", record.ban_reason},
          {"freezeReason", record.freeze_reason},     {"hardwareUuid", record.uuid},
          {"hardwareSerial", record.serial}};
}

struct OrderBody {
  std::string reason, keep;
  bool drain = true;
  bool cancel = false;
  std::uint32_t seconds = 600;
};

Result<void> give_order(const Rooms& rooms, const std::string& order, const NodeName& node,
                        const OrderBody& body, const std::string& by) {
  if (order == "replace" && body.cancel) return cancel_replacement(rooms.enrolment, node, by);
  if (order == "replace") return order_replacement(rooms.enrolment, node, by);
  if (order == "unfreeze") return unfreeze(rooms.enrolment, node, body.keep, by);
  if (order == "ban") return ban(rooms.enrolment, node, body.reason, by);
  if (order == "unban") return unban(rooms.enrolment, node, by);
  return fail(
      ErrorKind::not_found, "not_found",
      fmt::format(
          "order {}: expected converge, replace, drain, undrain, remove, unfreeze, ban or unban",
          in_ticks(order)));
}

// What is ordered of a Node travels in the cluster's next peer list.
Result<void> order_drain_of(const Rooms& rooms, const std::string& order, const NodeName& node,
                            const OrderBody& body, const std::string& by) {
  if (order == "undrain") {
    auto ended = end_drain(rooms.store, node.cluster, node.node, rooms.enrolment.now(), by);
    if (!ended) return pass(ended.error());
    return {};
  }
  const auto served = served_answer(rooms, node);
  if (!served) return pass(served.error());
  Transaction transaction;
  const DrainOrder wanted{node.cluster, node.node, false, std::chrono::seconds(body.seconds), by};
  auto ordered = order_drain(rooms.store, wanted, rooms.enrolment.now(), transaction);
  if (ordered) ordered = commit(rooms.store, transaction);
  if (!ordered) return pass(ordered.error());
  return {};
}

// The API server learns it from the masters' documents, the duties from the peer list.
Result<Response> published_order(const Rooms& rooms, const std::string& order, const NodeName& node,
                                 nlohmann::json answer) {
  if (auto published = rooms.publisher.settle(node.cluster); !published) {
    return fail(
        published.error().kind, published.error().code,
        fmt::format(
            "{}/{}: this server holds to the {}; its masters' API servers do not know of it yet: {}",
            node.cluster, node.node, order, published.error().message));
  }
  const auto served = rooms.current.cluster(node.cluster);
  answer["revision"] = served ? served->revision : std::string();
  return json_response(answer);
}

Result<Response> order_to_leave(const Rooms& rooms, const NodeName& node, const OrderBody& body,
                                const Caller& caller) {
  const bool is_served = rooms.current.document(node.cluster, node.node) != nullptr;
  const auto step =
      order_removal(rooms, node, {body.drain, std::chrono::seconds(body.seconds), caller.text()});
  if (!step) return pass(step.error());
  spdlog::info("{}: remove {}/{}{}", caller.text(), node.cluster, node.node,
               step->is_draining ? ", drained first" : "");
  const nlohmann::json answer = {{"cluster", node.cluster},
                                 {"node", node.node},
                                 {"order", "remove"},
                                 {"draining", step->is_draining},
                                 {"undrained", step->undrained}};
  if (!is_served) return json_response(answer);
  return published_order(rooms, "removal", node, answer);
}

Result<Response> order_a_converge(const Rooms& rooms, const NodeName& node, const OrderBody& body,
                                  const Caller& caller) {
  nlohmann::json answer = {{"cluster", node.cluster}, {"node", node.node}, {"order", "converge"}};
  if (body.cancel) {
    auto cancelled = cancel_converge_of(rooms, node, caller.text());
    if (!cancelled) return pass(cancelled.error());
    answer["order"] = "cancel-converge";
  } else {
    auto waits_for = order_converge_of(rooms, node, caller.text());
    if (!waits_for) return pass(waits_for.error());
    answer["waitsFor"] = *waits_for;
  }
  spdlog::info("{}: {} {}/{}", caller.text(), answer["order"].get<std::string>(), node.cluster,
               node.node);
  return json_response(answer);
}

}  // namespace

Result<Response> get_nodes(const Rooms& rooms, const Caller& caller, const Request& request) {
  const auto query = read_node_query(request);
  if (!query) return pass(query.error());
  const auto troubles = MachineTroubles::gather(rooms);
  if (!troubles) return pass(troubles.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& cluster : rooms.current.clusters()) {
    const bool is_wanted = query->cluster.empty() || cluster == query->cluster;
    if (!is_wanted || cluster < query->after.cluster) continue;
    if (!check_owns(rooms.store, caller, cluster)) continue;
    const auto served = rooms.current.cluster(cluster);
    if (!served) continue;
    const auto states = NodeStates::gather(rooms, cluster);
    if (!states) return pass(states.error());
    const NodePage page = page_of(*served, cluster, *query, query->limit - rows.size());
    auto machines = machines_of(rooms.store, cluster, page);
    if (!machines) return pass(machines.error());
    for (const auto& [node, answer] : page)
      rows.push_back(
          summary(rooms, {cluster, node}, *answer, (*machines)[node], *states, *troubles));
    if (rows.size() < query->limit) continue;
    return json_response(
        {{"nodes", std::move(rows)}, {"next", kinds::pair_key(cluster, page.back().first)}});
  }
  return json_response({{"nodes", std::move(rows)}, {"next", ""}});
}

Result<Response> get_node(const Rooms& rooms, const Caller&, const Request& request) {
  const NodeName node{request.parameters.at("cluster"), request.parameters.at("node")};
  if (rooms.current.document(node.cluster, node.node) == nullptr) {
    const auto removed = removed_member(rooms, node);
    if (!removed) return pass(removed.error());
    if (*removed) return json_response(**removed);
  }
  const auto answer = served_answer(rooms, node);
  if (!answer) return pass(answer.error());
  const auto machine = find_machine(rooms.store, node);
  if (!machine) return pass(machine.error());
  const auto states = NodeStates::gather(rooms, node.cluster);
  if (!states) return pass(states.error());
  const auto vanishes = vanishes_at(rooms, node);
  const auto troubles = MachineTroubles::gather(rooms);
  if (!troubles) return pass(troubles.error());
  nlohmann::json row = summary(rooms, node, **answer, machine->record, *states, *troubles);
  row["vanishesAt"] = vanishes.value_or(0);
  row["digest"] = (*answer)->digest();
  row["identity"] = identity_of(machine->record);
  row["fingerprint"] = machine->record.current ? machine->record.current->key : std::string();
  const HeardMachine heard = rooms.reports.find(node);
  row["served"] = heard.served;
  row["boot"] = to_value(heard.boot);
  const auto document = read_document(**answer);
  if (document && heard.report)
    row["agentTooOld"] =
        too_old(*heard.report, needs_of(*document, rooms.publishing.later), node.node);
  row["report"] = heard.report ? nlohmann::json::parse(to_json(*heard.report), nullptr, false)
                               : nlohmann::json(nullptr);
  return json_response(row);
}

Result<Response> post_node_order(const Rooms& rooms, const Caller& caller, const Request& request) {
  const NodeName node{request.parameters.at("cluster"), request.parameters.at("node")};
  const std::string& order = request.parameters.at("order");
  OrderBody body;
  auto read = read_json_body("order", request, [&](JsonObject& root) {
    root.text("reason", body.reason, Need::optional);
    root.text("keep", body.keep, order == "unfreeze" ? Need::required : Need::optional);
    root.flag("drain", body.drain, Need::optional);
    root.flag("cancel", body.cancel, Need::optional);
    root.number("timeoutSeconds", body.seconds, Need::optional);
  });
  if (!read) return pass(read.error());
  if (order == "remove") return order_to_leave(rooms, node, body, caller);
  if (order == "converge") return order_a_converge(rooms, node, body, caller);
  const bool is_drain = order == "drain" || order == "undrain";
  auto given = is_drain ? order_drain_of(rooms, order, node, body, caller.text())
                        : give_order(rooms, order, node, body, caller.text());
  if (!given) return pass(given.error());
  spdlog::info("{}: {} {}/{}", caller.text(), order, node.cluster, node.node);
  const nlohmann::json answer = {{"cluster", node.cluster}, {"node", node.node}, {"order", order}};
  const bool is_published = is_drain || order == "ban" || order == "unban";
  return is_published ? published_order(rooms, order, node, answer) : json_response(answer);
}

}  // namespace muster::handlers
