#include "client/etcd_turn.hpp"

#include "fleet/etcd_orders.hpp"
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
  EtcdReinitialisation order{request.parameters.at("cluster"), caller.text(), {}};
  std::string confirm;
  auto read = read_json_body("reinitialise", request, [&](JsonObject& root) {
    root.text("confirm", confirm);
    root.text("restoredOn", order.restored_on, Need::optional);
  });
  if (!read) return pass(read.error());
  if (confirm != order.cluster) {
    return fail(ErrorKind::invalid,
                fmt::format("reinitialise: /confirm: expected the cluster's name {}, found {}",
                            in_ticks(order.cluster), in_ticks(confirm)));
  }
  if (auto done = reinitialise_etcd_of(rooms, order); !done) return pass(done.error());
  return json_response({{"cluster", order.cluster}});
}

}  // namespace muster::handlers
