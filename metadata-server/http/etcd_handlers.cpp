#include "client/etcd_turn.hpp"

#include "fleet/etcd_orders.hpp"
#include "fleet/known_clusters.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {

Result<Response> post_etcd_turn(const Rooms& rooms, const Caller& caller, const Request& request) {
  auto asked = parse_etcd_turn_request(request.body);
  if (!asked) return pass(asked.error());
  const auto answer = answer_etcd_turn(rooms, caller, std::move(*asked));
  if (!answer) return pass(answer.error());
  return text_response(to_json(*answer));
}

Result<Response> post_reinitialise(const Rooms& rooms, const Caller& caller,
                                   const Request& request) {
  EtcdReinitialisation order;
  order.cluster = request.parameters.at("cluster");
  order.by = caller.text();
  if (auto known = check_known(rooms, order.cluster); !known) return pass(known.error());
  std::string confirm;
  auto read = read_json_body("reinitialise", request, [&](JsonObject& root) {
    root.flag("cancel", order.cancel, Need::optional);
    root.text("confirm", confirm, order.cancel ? Need::optional : Need::required);
    root.text("restoredOn", order.restored_on, Need::optional);
    root.flag("force", order.force, Need::optional);
  });
  if (!read) return pass(read.error());
  if (confirm != order.cluster && !order.cancel) {
    return fail(ErrorKind::invalid,
                fmt::format("reinitialise: /confirm: expected the cluster's name {}, found {}",
                            in_ticks(order.cluster), in_ticks(confirm)));
  }
  const auto given_up = reinitialise_etcd_of(rooms, order);
  if (!given_up) return pass(given_up.error());
  const auto standing = reinitialisation_of(rooms, order.cluster);
  if (!standing) return pass(standing.error());
  return json_response(
      {{"cluster", order.cluster}, {"givenUp", *given_up}, {"reinitialisation", *standing}});
}

}  // namespace muster::handlers
