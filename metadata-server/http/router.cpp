#include "http/router.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "backup/learned.hpp"
#include "enrolment/identity.hpp"
#include "enrolment/quota.hpp"
#include "enrolment/source_network.hpp"
#include "fleet/unread_records.hpp"
#include "http/artifact_sink.hpp"
#include "http/error_response.hpp"
#include "http/path_pattern.hpp"
#include "http/rooms.hpp"
#include "records/seal.hpp"

namespace muster {
namespace {

// A route number that is no route: refused before one was found.
constexpr std::size_t no_route = SIZE_MAX;

// bytes; operators' routes take as much, and what machines of a sealed cluster show
constexpr std::uint64_t large_body = 1 << 20;

Response to_response(const Error& refusal, std::string_view request_id,
                     Reason reason = Reason::in_the_log) {
  const int status = status_of(refusal.kind);
  if (status == 500) return error_response({refusal.kind, refusal.message}, request_id, reason);
  return error_response(status, refusal.code, refusal.message, request_id);
}

// Before any store is asked: who the caller is known to be, else what the certificate says.
bool may_be(Caller::Kind kind, const std::optional<Caller>& known, const Peer& peer) {
  if (known) return known->kind == kind;
  if (!peer.certificate) return false;
  const auto said = peer.certificate->organizations();
  return std::find(said.begin(), said.end(),
                   kind == Caller::Kind::person ? operator_organization : machine_organization) !=
         said.end();
}

bool is_for_people(Audience audience) {
  return audience == Audience::operators || audience == Audience::creators;
}

bool is_of(Audience audience, const std::optional<Caller>& known, const Peer& peer) {
  if (is_for_people(audience)) return may_be(Caller::Kind::person, known, peer);
  const bool for_machines = audience == Audience::machine || audience == Audience::ended_too;
  return !for_machines || may_be(Caller::Kind::machine, known, peer);
}

Error not_for_you(Audience audience) {
  const bool people = is_for_people(audience);
  return {
      ErrorKind::forbidden, "forbidden",
      people
          ? "this is the operator's API: use an operator certificate, or the admin socket as root or as a member of its group"
          : "this is for enrolled machines: use a machine's identity certificate"};
}

// As the handshake proved it, where nobody could say more.
std::string name_of(const Peer& peer) {
  if (peer.user) return fmt::format("uid {}", *peer.user);
  if (!peer.certificate) return peer.address;
  if (const auto node = node_of(*peer.certificate)) {
    Caller machine;
    machine.node = *node;
    return machine.text();
  }
  return fmt::format("operator {}", peer.certificate->common_name());
}

// Whose turn of a worker a request of the peer takes. What a certificate says is no more than that:
// whoever was banned, revoked or replaced has one too.
WorkShare share_of(const Peer& peer, const std::optional<Caller>& known) {
  if (known && known->kind == Caller::Kind::machine)
    return {false, known->node.cluster, known->node.node};
  if (known) return {false, known->text(), peer.certificate_id};
  if (peer.user) return {false, name_of(peer), {}};
  return {true, network_of(peer.address), peer.address};
}

// Operators run the server: what went wrong inside it is theirs to cure.
Reason reason_for(const Caller& caller) {
  return caller.kind == Caller::Kind::person ? Reason::told : Reason::in_the_log;
}

}  // namespace

Router::Router(const Rooms& rooms, CallerCache& callers, Metrics& metrics,
               std::optional<std::uint32_t> admin_group)
    : rooms_(rooms),
      callers_(callers),
      metrics_(metrics),
      admin_group_(admin_group),
      routes_(routes()) {}

Admission Router::admit(const RequestHead& head, const Peer& peer, std::string_view request_id) {
  Admission admission;
  admission.route = no_route;
  std::string allowed;
  const std::string path =
      peer.listener == ListenerKind::boot ? one_slash_each(head.path) : head.path;
  const std::string_view method = head.method == "HEAD" ? "GET" : std::string_view(head.method);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Route& route = routes_[i];
    if ((route.listeners & static_cast<unsigned>(peer.listener)) == 0) continue;
    // It knows no paths: what an earlier row knows is none of its own.
    if (!allowed.empty() && takes_any_rest(route.pattern)) continue;
    auto parameters = match_path(route.pattern, path);
    if (!parameters) continue;
    if (route.method != method) {
      if (takes_any_rest(route.pattern)) continue;  // it knows no paths, so it vouches for none
      allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ",
                             route.method == "GET" ? "GET, HEAD" : route.method);
      continue;
    }
    admission.route = i;
    admission.parameters = std::move(*parameters);
    admission.body_limit = route.body_limit;
    const bool looked_up =
        peer.listener == ListenerKind::node && route.audience != Audience::anyone;
    const auto known = looked_up ? callers_.find(peer.certificate_id) : std::nullopt;
    admission.blocking = route.runs == Runs::pooled || (looked_up && !known);
    if (admission.blocking) {
      admission.is_for_people = is_for_people(route.audience);
      admission.is_large = !admission.is_for_people && route.body_limit >= large_body;
      admission.share =
          share_of(peer, known || !looked_up ? known : callers_.last_known(peer.certificate_id));
    }
    if (looked_up && !is_of(route.audience, known, peer)) {
      const Error refusal = not_for_you(route.audience);
      note_refused(route, peer, known, refusal);
      admission.refusal = to_response(refusal, request_id);
    } else if (route.body_limit >= large_body) {
      admit_large(route, head, peer, request_id, admission);
    }
    return admission;
  }
  if (!allowed.empty()) {
    admission.refusal =
        error_response(405, "method_not_allowed",
                       fmt::format("this path takes {}, not {}", allowed, head.method), request_id);
    admission.refusal->headers.emplace_back("Allow", allowed);
  } else {
    admission.refusal = error_response(
        404, "not_found", "no such path on this listener; http/README.md lists them", request_id);
  }
  return admission;
}

// The one place where a store is asked on the event thread: who may call is known before megabytes
// are taken in, whoever was revoked among them.
void Router::admit_large(const Route& route, const RequestHead& head, const Peer& peer,
                         std::string_view request_id, Admission& admission) {
  const auto caller = admitted(route, peer);
  if (!caller) {
    note_refused(route, peer, std::nullopt, caller.error());
    admission.refusal = to_response(caller.error(), request_id);
    return;
  }
  if (route.body != BodyAs::artifact) return;
  auto sink =
      ArtifactSink::open(rooms_.artifacts, admission.parameters.at("digest"), head.content_length);
  if (sink) {
    admission.sink = std::move(*sink);
  } else {
    admission.refusal = to_response(pass(sink.error()).value(), request_id, reason_for(*caller));
  }
}

Result<Caller> Router::find_caller(const Peer& peer) {
  if (peer.listener == ListenerKind::admin) {
    const bool member = admin_group_ && std::find(peer.groups.begin(), peer.groups.end(),
                                                  *admin_group_) != peer.groups.end();
    if (!peer.user || (*peer.user != 0 && *peer.user != geteuid() && !member)) {
      return pass(not_for_you(Audience::operators));
    }
    Caller root;
    root.kind = Caller::Kind::person;
    root.name = "root";
    return root;
  }
  if (!peer.certificate) {
    return fail(ErrorKind::unauthenticated, "certificate_missing",
                "no client certificate: enrol first, then use the identity certificate");
  }
  if (auto known = callers_.find(peer.certificate_id)) {
    // A kept connection outlives its certificate: the handshake looked at the dates only once.
    if (expected_now(rooms_.enrolment) < peer.certificate->not_after()) return *known;
  }
  const std::uint64_t changes = callers_.changes();
  auto caller = identify(rooms_.enrolment, *peer.certificate);
  if (caller && !caller->ended)
    callers_.put(peer.certificate_id, *caller, changes);
  else
    callers_.forget_certificate(peer.certificate_id);
  return caller;
}

Result<Caller> Router::admitted(const Route& route, const Peer& peer) {
  if (route.audience == Audience::anyone) return Caller{};
  if (route.audience == Audience::sealed) {
    const auto node = may_show_held(rooms_.enrolment, peer.certificate);
    if (!node) return pass(node.error());
    Caller machine;
    machine.node = *node;
    return machine;
  }
  auto caller = find_caller(peer);
  // The trust list is for every machine of the site.
  if (!caller && caller.error().code == sealed_code && route.audience == Audience::enrolled)
    return Caller{};
  if (!caller) return caller;
  const bool person = caller->kind == Caller::Kind::person;
  if (is_for_people(route.audience) && !person) return pass(not_for_you(route.audience));
  if (route.audience == Audience::operators && caller->restricted) return pass(restricted(*caller));
  const bool for_machines =
      route.audience == Audience::machine || route.audience == Audience::ended_too;
  if (for_machines && person) return pass(not_for_you(route.audience));
  if (route.audience == Audience::machine && caller->ended) return pass(has_ended(caller->node));
  return caller;
}

Response Router::answer(const Request& request) {
  const Route& route = routes_[request.route];
  const auto caller = admitted(route, request.peer);
  if (!caller) {
    note_refused(route, request.peer, std::nullopt, caller.error());
    return to_response(caller.error(), request.id);
  }
  const auto cluster = request.parameters.find("cluster");
  if (route.audience == Audience::creators && cluster != request.parameters.end()) {
    if (auto own = check_owns(rooms_.store, *caller, cluster->second); !own) {
      note_refused(route, request.peer, *caller, own.error());
      return to_response(own.error(), request.id);
    }
  }
  auto response = route.handler(rooms_, *caller, request);
  if (response) return std::move(*response);
  note_refused(route, request.peer, *caller, response.error());
  const Reason reason = reason_for(*caller);
  // A restricted one may carry out none of them, and they name what is others'.
  const bool may_cure = reason == Reason::told && !caller->restricted;
  return to_response(may_cure ? with_cure(rooms_, response.error()) : response.error(), request.id,
                     reason);
}

void Router::note_refused(const Route& route, const Peer& peer, const std::optional<Caller>& caller,
                          const Error& error) const {
  if (route.audience == Audience::anyone) return;  // enrolment tells of its own
  // What is another's is answered like what is not there.
  const bool may_be_anothers = error.code == "not_found" && caller &&
                               (caller->restricted || caller->kind == Caller::Kind::machine);
  if (error.kind != ErrorKind::forbidden && error.kind != ErrorKind::unauthenticated &&
      !may_be_anothers) {
    return;
  }
  rooms_.enrolment.counts.note("refused", caller ? caller->text() : name_of(peer),
                               fmt::format("{} {}", route.method, route.pattern),
                               fmt::format("{}: {}", error.code, error.message),
                               rooms_.enrolment.now());
}

void Router::note(std::string_view method, std::string_view path, std::size_t route,
                  const Peer& peer, int status, std::string_view request_id,
                  std::chrono::microseconds took) {
  // Methods and paths that match nothing are the caller's invention: one series for all of them.
  const bool known = route < routes_.size();
  metrics_.count_request(peer.listener, known ? method : "other",
                         known ? routes_[route].pattern : "none", status, took);
  if (!spdlog::should_log(spdlog::level::debug)) return;  // else the name is read for nobody
  spdlog::debug("{} {} {} {} from {} in {} us, request {}", name(peer.listener), status, method,
                path, peer.certificate ? peer.certificate->common_name() : peer.address,
                took.count(), request_id);
}

}  // namespace muster
