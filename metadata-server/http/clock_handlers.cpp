#include "fleet/site_clock.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {

Result<Response> get_clock(const Rooms& rooms, const Caller&, const Request&) {
  return json_response(to_value(rooms.clock.status()));
}

Result<Response> post_clock_confirm(const Rooms& rooms, const Caller& caller,
                                    const Request& request) {
  std::int64_t time = 0;
  auto read = read_json_body("clock confirmation", request,
                             [&](JsonObject& root) { root.number("time", time); });
  if (!read) return pass(read.error());
  const auto confirmed = rooms.clock.confirm(rooms.store, time, caller.text());
  if (!confirmed) return pass(confirmed.error());
  return json_response(to_value(*confirmed));
}

}  // namespace muster::handlers
