#include "backup/backup.hpp"

#include "http/backup_value.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"

namespace muster {

nlohmann::json to_value(const BackupStatus& status) {
  nlohmann::json value = {{"recoveryKey", nullptr},
                          {"last", nullptr},
                          {"unsaved", status.unsaved},
                          {"message", status.message},
                          {"cure", status.cure}};
  if (status.key)
    value["recoveryKey"] = {{"fingerprint", status.key->fingerprint()},
                            {"since", status.key->since}};
  if (const auto& last = status.last)
    value["last"] = {{"madeAt", last->made_at},
                     {"revision", last->revision},
                     {"recoveryKey", last->recovery_key},
                     {"digest", last->digest},
                     {"damaged", last->damaged}};
  return value;
}

namespace handlers {

Result<Response> get_backup(const Rooms& rooms, const Caller&, const Request&) {
  const auto status = backup_status(*rooms.backup, rooms.store, expected_now(rooms.enrolment));
  if (!status) return pass(status.error());
  return json_response(to_value(*status));
}

Result<Response> get_backup_file(const Rooms& rooms, const Caller& caller, const Request&) {
  const TimePoint now = rooms.enrolment.now();
  auto made = make_backup(*rooms.backup, rooms.store, rooms.sealing, rooms.site, now);
  if (!made) return pass(made.error());
  auto noted = note_made_backup(rooms.store, made->content, caller.text(), now);
  if (!noted) return pass(noted.error());
  Response response;
  response.content_type = "application/octet-stream";
  response.headers = {{"ETag", "\"" + made->content.digest + "\""}, {"Cache-Control", "no-store"}};
  response.file =
      FileBody{std::make_shared<FileDescriptor>(std::move(made->file)), made->size, false};
  return response;
}

Result<Response> put_backup(const Rooms& rooms, const Caller& caller, const Request& request) {
  std::string digest;
  auto read =
      read_json_body("backup", request, [&](JsonObject& root) { root.text("digest", digest); });
  if (!read) return pass(read.error());
  const auto kept = note_kept_backup(rooms.store, digest, caller.text(), rooms.enrolment.now());
  if (!kept) return pass(kept.error());
  return get_backup(rooms, caller, request);
}

// Whoever chooses the key opens every backup that follows, and has the site's keys by it.
Result<Response> put_recovery_key(const Rooms& rooms, const Caller& caller,
                                  const Request& request) {
  if (request.peer.listener != ListenerKind::admin)
    return fail(
        ErrorKind::forbidden, "not_on_the_server",
        "recovery key: expected an order by the server's admin socket, found one by a certificate: whoever chooses this key can read all keys of the site. Run `muster backup key new --out FILE` on the server, as root or in the group of its admin socket");
  std::string certificate;
  auto read = read_json_body("recovery key", request,
                             [&](JsonObject& root) { root.text("certificate", certificate); });
  if (!read) return pass(read.error());
  auto set = set_recovery_key(rooms.store, certificate, caller.text(), rooms.enrolment.now());
  if (!set) return pass(set.error());
  return get_backup(rooms, caller, request);
}

}  // namespace handlers
}  // namespace muster
