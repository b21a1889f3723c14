#include "http/tombstone_handlers.hpp"

#include <spdlog/spdlog.h>

#include "fleet/served_tombstone.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster {

Result<Response> tombstone_response(const Rooms& rooms, const Caller& caller) {
  const auto record = find_tombstone(rooms.store, caller.key);
  if (!record) return pass(record.error());
  if (!*record) return pass(has_ended(caller.node));  // it took it just now
  const auto envelope = sign_tombstone(rooms, caller.key, **record);
  if (!envelope) return pass(envelope.error());
  spdlog::info("{}: served its tombstone, {}", caller.text(), name((*record)->on_delete));
  Response response = text_response(to_json(*envelope));
  response.headers.emplace_back("Cache-Control", "private, max-age=60");
  return response;
}

namespace handlers {

Result<Response> delete_document(const Rooms& rooms, const Caller& caller, const Request&) {
  if (!caller.ended) {
    return fail(ErrorKind::conflict, "not_ended",
                fmt::format("{}: its cluster has not ended; it has a document", caller.text()));
  }
  if (auto noted = note_tombstone_taken(rooms.enrolment, caller.node, caller.key); !noted)
    return pass(noted.error());
  spdlog::info("{}: keeps its tombstone", caller.text());
  return json_response({{"cluster", caller.node.cluster}, {"node", caller.node.node}});
}

}  // namespace handlers
}  // namespace muster
