// Machines as operators see them, and the orders that operators give about one.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "enrolment/ban.hpp"
#include "enrolment/remove.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/publication.hpp"
#include "http/served_document.hpp"
#include "site/all_records.hpp"
#include "store/kinds.hpp"

namespace muster::handlers {
namespace {

std::string state_of(const MachineRecord& record, std::int64_t now) {
  if (record.banned) return "banned";
  if (record.frozen) return "frozen";
  if (!record.current) return "not-enrolled";
  return record.current->not_after < now ? "expired" : "enrolled";
}

nlohmann::json summary(const Rooms& rooms, const NodeName& node, const ServedAnswer& answer,
                       const MachineRecord& record) {
  const auto document = read_document(answer);
  const HeardMachine heard = rooms.reports.find(node);
  const bool reported = heard.report.has_value();
  return {{"cluster", node.cluster},
          {"node", node.node},
          {"role", document ? std::string(name(document->role.role)) : std::string()},
          {"address", document ? document->role.address : std::string()},
          {"generation", answer.generation},
          {"state", state_of(record, unix_seconds(rooms.enrolment.now()))},
          {"verdict", reported ? std::string(name(heard.report->verdict)) : std::string()},
          {"failureClass", reported ? heard.report->failure_class : std::string()},
          {"inForce", reported ? heard.report->generation : std::uint64_t{0}},
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
};

Granted<> give_order(const Rooms& rooms, const std::string& order, const NodeName& node,
                     const OrderBody& body, const std::string& by) {
  if (order == "converge") return order_converge(rooms.enrolment, node, by);
  if (order == "replace") return order_replacement(rooms.enrolment, node, by);
  if (order == "remove") {
    auto removed = remove_machine(rooms.enrolment, node, by);
    if (removed) rooms.reports.forget(node);
    return removed;
  }
  if (order == "unfreeze") return unfreeze(rooms.enrolment, node, body.keep, by);
  if (order == "ban") return ban(rooms.enrolment, node, body.reason, by);
  if (order == "unban") return unban(rooms.enrolment, node, by);
  return refuse(ErrorKind::not_found, "not_found",
                fmt::format("order {}: expected converge, replace, remove, unfreeze, ban or unban",
                            in_ticks(order)));
}

}  // namespace

Granted<Response> get_nodes(const Rooms& rooms, const Caller&, const Request& request) {
  const auto wanted = query_text(request, "cluster", Need::optional);
  if (!wanted) return refuse(wanted.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& cluster : rooms.current.clusters()) {
    if (!wanted->empty() && cluster != *wanted) continue;
    const auto records = all_records(rooms.store, kinds::machine, kinds::prefix_of(cluster));
    if (!records) return refuse(records.error());
    std::map<std::string, MachineRecord> machines;
    for (const auto& record : *records) {
      auto machine = parse_machine_record(record.value);
      if (!machine) return refuse(machine.error());
      machines[machine->node] = std::move(*machine);
    }
    const auto served = rooms.current.cluster(cluster);
    if (!served) continue;
    std::map<std::string, std::shared_ptr<const ServedAnswer>> in_order(served->documents.begin(),
                                                                        served->documents.end());
    for (const auto& [node, answer] : in_order) {
      rows.push_back(summary(rooms, {cluster, node}, *answer, machines[node]));
    }
  }
  return json_response({{"nodes", rows}});
}

Granted<Response> get_node(const Rooms& rooms, const Caller&, const Request& request) {
  const NodeName node{request.parameters.at("cluster"), request.parameters.at("node")};
  const auto answer = served_answer(rooms, node);
  if (!answer) return refuse(answer.error());
  const auto machine = find_machine(rooms.store, node);
  if (!machine) return refuse(machine.error());
  nlohmann::json row = summary(rooms, node, **answer, machine->record);
  const std::string& etag = (*answer)->etag;
  row["digest"] = etag.substr(1, etag.size() - 2);
  row["identity"] = identity_of(machine->record);
  row["fingerprint"] = machine->record.current ? machine->record.current->key : std::string();
  const HeardMachine heard = rooms.reports.find(node);
  row["served"] = heard.served;
  row["report"] = heard.report ? nlohmann::json::parse(to_json(*heard.report), nullptr, false)
                               : nlohmann::json(nullptr);
  return json_response(row);
}

Granted<Response> post_node_order(const Rooms& rooms, const Caller& caller,
                                  const Request& request) {
  const NodeName node{request.parameters.at("cluster"), request.parameters.at("node")};
  const std::string& order = request.parameters.at("order");
  OrderBody body;
  auto read = read_json_body("order", request, [&](JsonObject& root) {
    root.text("reason", body.reason, Need::optional);
    root.text("keep", body.keep, order == "unfreeze" ? Need::required : Need::optional);
  });
  if (!read) return refuse(read.error());
  const bool is_served = rooms.current.document(node.cluster, node.node) != nullptr;
  if (auto given = give_order(rooms, order, node, body, caller.text()); !given)
    return refuse(given.error());
  spdlog::info("{}: {} {}/{}", caller.text(), order, node.cluster, node.node);
  if (order == "ban" || order == "unban" || (order == "remove" && is_served)) {
    // The API server learns it from the masters' documents, the other machines from the peer list.
    auto published = republish(rooms.publishing, node.cluster, caller.text());
    if (!published) {
      std::string& message = published.error().error.message;
      message = fmt::format(
          "{}/{}: this server holds to the {}; its masters' API servers do not "
          "know of it yet: {}",
          node.cluster, node.node, order, message);
    }
    return publication_response(rooms, published, false, caller, request);
  }
  return json_response({{"cluster", node.cluster}, {"node", node.node}, {"order", order}});
}

}  // namespace muster::handlers
