#include "rollout/turn_record.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"

namespace muster {
namespace {

nlohmann::json order_json(const TurnOrder& order) {
  return {{"node", order.node}, {"by", order.by}, {"orderedAt", order.ordered_at}};
}

void read_order(JsonObject& object, TurnOrder& order) {
  object.text("node", order.node);
  object.text("by", order.by);
  object.number("orderedAt", order.ordered_at);
}

}  // namespace

std::string to_json(const TurnRecord& record) {
  nlohmann::json value = {{"waiting", nlohmann::json::array()}};
  for (const auto& order : record.waiting) value["waiting"].push_back(order_json(order));
  if (record.grant) {
    const TurnGrant& grant = *record.grant;
    value["grant"] = {{"order", order_json(grant.order)}, {"grantedAt", grant.granted_at},
                      {"generation", grant.generation},   {"bootId", grant.boot_id},
                      {"counter", grant.counter},         {"told", grant.is_told}};
  }
  return canonical_text(value);
}

Result<TurnRecord> parse_turn_record(std::string_view json) {
  const auto value = parse_strict_json("turn record", json);
  if (!value) return pass(value.error());
  TurnRecord record;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.objects("waiting",
               [&](JsonObject& object) { read_order(object, record.waiting.emplace_back()); });
  if (root.has("grant")) {
    root.object("grant", [&](JsonObject& object) {
      TurnGrant& grant = record.grant.emplace();
      object.object("order", [&](JsonObject& order) { read_order(order, grant.order); });
      object.number("grantedAt", grant.granted_at);
      object.number("generation", grant.generation);
      object.text("bootId", grant.boot_id);
      object.number("counter", grant.counter);
      object.flag("told", grant.is_told);
    });
  }
  root.close();
  if (!problems.empty()) {
    return fail(ErrorKind::corrupt, fail("turn record", problems).value().message);
  }
  return record;
}

}  // namespace muster
