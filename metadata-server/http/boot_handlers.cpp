// What a machine is told before it is anybody, on plain HTTP: nothing here is a secret. It is found
// by its address, or by a mark of its hardware that the request names.
#include "boot/cloud_init_seed.hpp"
#include "boot/ec2_metadata.hpp"
#include "boot/instance_identity.hpp"
#include "boot/named_marks.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {
namespace {

using FoundMachine = Result<std::shared_ptr<const BootMachine>>;

constexpr std::string_view lifetime_header = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds";

tl::unexpected<Error> no_such_path() {
  return fail(ErrorKind::not_found, "no such path on this listener; http/README.md lists them");
}

std::string parameter(const Request& request, const std::string& name) {
  const auto found = request.parameters.find(name);
  return found == request.parameters.end() ? std::string() : found->second;
}

FoundMachine found_or_refused(const BootMatch& match, const std::string& who) {
  if (match.kind == BootMatch::Kind::found) return match.machine;
  if (match.kind == BootMatch::Kind::ambiguous) {
    return fail(
        ErrorKind::conflict, "machine_ambiguous",
        fmt::format(
            "{}: the inventory has more than one machine for it; name another mark of the hardware (mac, uuid, serial)",
            who));
  }
  return fail(
      ErrorKind::not_found, "machine_unknown",
      fmt::format(
          "{}: no machine of the inventory; add the node and run `muster apply`, or name its hardware (mac, uuid, serial)",
          who));
}

tl::unexpected<Error> refused_mark(const Rooms& rooms, const Request& request, const Error& error) {
  if (error.code == "mark_unexpanded" || error.code == "mark_filler") {
    note_refusal(rooms, request, "its metadata", {}, error);
  }
  return pass(error);
}

FoundMachine find_machine(const Rooms& rooms, const Request& request) {
  const bool is_in_path = request.parameters.contains("mark");
  const auto marks = parse_named_marks(
      is_in_path ? std::map<std::string, std::string>{{parameter(request, "mark"),
                                                       parameter(request, "value")}}
                 : request.query);
  if (!marks) return refused_mark(rooms, request, marks.error());
  if (marks->macs.empty() && marks->uuid.empty() && marks->serial.empty()) {
    return found_or_refused(rooms.boot()->at_address(request.peer.address),
                            fmt::format("address {}", request.peer.address));
  }
  const auto boot = rooms.boot();
  return found_or_refused(is_in_path ? boot->with_marks(*marks) : boot->with_marks_of_query(*marks),
                          "the hardware that was named");
}

Response uncached_text(std::string text) {
  Response response = text_response(std::move(text));
  response.content_type = "text/plain; charset=utf-8";
  response.headers.emplace_back("Cache-Control", "no-store");  // another machine, another answer
  return response;
}

Result<std::optional<std::chrono::seconds>> check_token(const Rooms& rooms,
                                                        const Request& request) {
  const std::string& token = request.header("x-aws-ec2-metadata-token");
  if (token.empty()) {
    if (rooms.tokens.policy() == TokenPolicy::optional) return std::nullopt;
    return fail(
        ErrorKind::unauthenticated, "metadata_token_missing",
        "header X-aws-ec2-metadata-token: expected a token, found none; get one by PUT /latest/api/token");
  }
  const auto left = rooms.tokens.left(token, request.peer.address);
  if (left) return left;
  return fail(
      ErrorKind::unauthenticated, "metadata_token_invalid",
      "header X-aws-ec2-metadata-token: expired, or not given by this server to this address; get another by PUT /latest/api/token");
}

}  // namespace

void note_refusal(const Rooms& rooms, const Request& request, std::string asked, std::string node,
                  const Error& error) {
  RefusalNote note;
  note.source = request.peer.address;
  note.asked = std::move(asked);
  note.node = std::move(node);
  note.code = error.code;
  note.message = error.message;
  note.first = note.last = unix_seconds(rooms.enrolment.now());
  rooms.enrolment.refusals.add(std::move(note));
}

Result<Response> get_nocloud_seed(const Rooms& rooms, const Caller&, const Request& request) {
  const auto machine = find_machine(rooms, request);
  if (!machine) return pass(machine.error());
  std::string file = parameter(request, "file");
  if (const auto named = request.query.find("f"); file.empty() && named != request.query.end())
    file = named->second;
  auto text = seed_file(file, **machine, site_contact(rooms));
  if (!text) return no_such_path();
  return uncached_text(std::move(*text));
}

Result<Response> put_metadata_token(const Rooms& rooms, const Caller&, const Request& request) {
  // As the real one: whoever has a proxy fetch for him must not get a token by it.
  if (request.headers.contains("x-forwarded-for")) {
    return fail(
        ErrorKind::forbidden, "forwarded",
        "header X-Forwarded-For: a token is given to the machine itself, not through a proxy");
  }
  const auto lifetime =
      parse_token_lifetime(request.header("x-aws-ec2-metadata-token-ttl-seconds"));
  if (!lifetime) return pass(lifetime.error());
  const auto machine = find_machine(rooms, request);
  if (!machine) return pass(machine.error());
  Response response = uncached_text(rooms.tokens.issue(request.peer.address, *lifetime));
  response.headers.emplace_back(lifetime_header, fmt::to_string(lifetime->count()));
  return response;
}

Result<Response> get_ec2_metadata(const Rooms& rooms, const Caller&, const Request& request) {
  const std::string path = parameter(request, "path");
  // Before anybody is looked for: a stray path is no question about a machine.
  if (!is_ec2_path(path)) return no_such_path();
  const auto left = check_token(rooms, request);
  if (!left) return pass(left.error());
  const auto machine = find_machine(rooms, request);
  if (!machine) return pass(machine.error());
  auto text = ec2_metadata(path, **machine, site_contact(rooms),
                           [&] { return signed_identity(rooms.site, **machine); });
  if (!text) return no_such_path();
  Response response = uncached_text(std::move(*text));
  if (*left) response.headers.emplace_back(lifetime_header, fmt::to_string((*left)->count()));
  return response;
}

}  // namespace muster::handlers
