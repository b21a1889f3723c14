#include "rollout/turn_record.hpp"

#include "records/record_fields.hpp"

namespace muster {
namespace {

constexpr auto order_fields = [](auto& fields, auto& order) {
  fields.text("node", order.node);
  fields.text("by", order.by);
  fields.number("orderedAt", order.ordered_at);
};

constexpr auto grant_fields = [](auto& fields, auto& grant) {
  fields.object("order", grant.order, order_fields);
  fields.number("grantedAt", grant.granted_at);
  fields.number("generation", grant.generation);
  fields.text("bootId", grant.boot_id);
  fields.number("counter", grant.counter);
  fields.flag("told", grant.is_told);
};

constexpr auto turn_fields = [](auto& fields, auto& record) {
  fields.objects("waiting", record.waiting, order_fields);
  fields.object("grant", record.grant, grant_fields);
};

}  // namespace

std::string to_json(const TurnRecord& record) {
  return record_text(record, turn_fields);
}

Result<TurnRecord> parse_turn_record(std::string_view json) {
  return parse_record<TurnRecord>("turn record", json, turn_fields);
}

}  // namespace muster
