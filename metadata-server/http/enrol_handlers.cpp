#include "enrolment/enrol.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/recover.hpp"
#include "fleet/served_tombstone.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {
namespace {

Result<Response> ended_response(const Rooms& rooms, const EnrolOutcome& outcome) {
  const auto envelope = sign_tombstone(rooms, outcome.fingerprint, *outcome.ended);
  if (!envelope) return pass(envelope.error());
  return json_response({{"tombstone", nlohmann::json::parse(to_json(*envelope))}});
}

Result<Response> to_response(const Result<EnrolOutcome>& outcome, std::string_view verb,
                             const Request& request) {
  if (!outcome) return pass(outcome.error());
  if (!outcome->pending) {
    spdlog::info("{} {}/{} from {}, key {}", verb, outcome->node.cluster, outcome->node.node,
                 request.peer.address, outcome->fingerprint);
  }
  return text_response(to_json(*outcome), outcome->pending ? 202 : 200);
}

}  // namespace

Result<Response> get_trust(const Rooms& rooms, const Caller&, const Request& request) {
  const bool is_stranger =
      request.peer.listener == ListenerKind::enrol && !request.peer.certificate;
  if (is_stranger) {
    rooms.enrolment.refusals.asked_for_trust(request.peer.address,
                                             unix_seconds(rooms.enrolment.now()));
  }
  return text_response(rooms.site.trust()->answer);
}

Result<Response> post_nonce(const Rooms& rooms, const Caller&, const Request&) {
  return json_response({{"nonce", rooms.enrolment.nonces.issue()}});
}

Result<Response> post_enrol(const Rooms& rooms, const Caller&, const Request& request) {
  const auto order = parse_enrol_request(request.body);
  if (!order) return pass(order.error());
  return to_response(enrol(rooms.enrolment, *order, request.peer.address), "enrolled", request);
}

Result<Response> post_recover(const Rooms& rooms, const Caller&, const Request& request) {
  const auto order = parse_enrol_request(request.body);
  if (!order) return pass(order.error());
  if (!request.peer.certificate) {
    return fail(
        ErrorKind::unauthenticated, "certificate_missing",
        "recover: expected the machine's old identity certificate in the TLS handshake, found none; without it, enrol again with a token");
  }
  rooms.enrolment.refusals.went_on(request.peer.address);
  const auto outcome =
      recover(rooms.enrolment, *order, *request.peer.certificate, request.peer.address);
  if (outcome && outcome->ended) return ended_response(rooms, *outcome);
  return to_response(outcome, "recovered", request);
}

Result<Response> post_identity(const Rooms& rooms, const Caller&, const Request& request) {
  const auto order = parse_enrol_request(request.body);
  if (!order) return pass(order.error());
  return to_response(
      renew(rooms.enrolment, *order, *request.peer.certificate, request.peer.address), "renewed",
      request);
}

}  // namespace muster::handlers
