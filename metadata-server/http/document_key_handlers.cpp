#include <spdlog/spdlog.h>

#include "document/strict_json.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "trust/document_key_changes.hpp"

namespace muster::handlers {
namespace {

TrustChange change_by(const Rooms& rooms, const Caller& caller) {
  return {rooms.store, rooms.sealing, rooms.site, caller.text(), rooms.enrolment.now()};
}

nlohmann::json row(const Rooms& rooms, const std::string& pem, const std::string& id,
                   const std::string& scope) {
  return {{"keyId", id},
          {"scope", scope},
          {"publicKey", pem},
          {"onServer", id == rooms.site.document_key_id()}};
}

}  // namespace

Result<Response> get_document_keys(const Rooms& rooms, const Caller&, const Request&) {
  const auto trust = rooms.site.trust();
  nlohmann::json rows = nlohmann::json::array();
  bool has_servers_own = false;
  for (const DocumentKey& entry : trust->list.document_keys) {
    const auto key = PublicKey::from_pem(entry.public_key);
    if (!key) return pass(key.error());
    rows.push_back(row(rooms, entry.public_key, key->fingerprint(), entry.scope));
    has_servers_own = has_servers_own || key->fingerprint() == rooms.site.document_key_id();
  }
  // Without a scope it signs nothing; it is shown so that it can be given one again.
  if (!has_servers_own) {
    const PublicKey own = rooms.site.document_key().public_key();
    rows.push_back(row(rooms, own.pem(), own.fingerprint(), ""));
  }
  return json_response({{"documentKeys", rows}, {"trustVersion", trust->list.version}});
}

Result<Response> post_document_keys(const Rooms& rooms, const Caller& caller,
                                    const Request& request) {
  DocumentKey key;
  auto read = read_json_body("document key", request, [&](JsonObject& root) {
    root.text("publicKey", key.public_key);
    root.text("scope", key.scope);
  });
  if (!read) return pass(read.error());
  if (auto added = add_document_key(change_by(rooms, caller), key); !added) {
    return pass(added.error());
  }
  const auto id = PublicKey::from_pem(key.public_key)->fingerprint();
  spdlog::info("{}: document key {} signs in the scope {}", caller.text(), id, key.scope);
  return json_response(
      {{"keyId", id}, {"scope", key.scope}, {"trustVersion", rooms.site.trust()->list.version}});
}

Result<Response> delete_document_key(const Rooms& rooms, const Caller& caller,
                                     const Request& request) {
  const std::string& id = request.parameters.at("id");
  if (auto revoked = revoke_document_key(change_by(rooms, caller), id); !revoked) {
    return pass(revoked.error());
  }
  spdlog::info("{}: revoked document key {}", caller.text(), id);
  return json_response({{"keyId", id}, {"trustVersion", rooms.site.trust()->list.version}});
}

Result<Response> put_trust(const Rooms& rooms, const Caller& caller, const Request& request) {
  nlohmann::json text;
  auto read = read_json_body("trust list", request, [&](JsonObject& root) {
    if (const auto* found = root.raw("envelope")) text = *found;
  });
  if (!read) return pass(read.error());
  const auto envelope = parse_envelope(canonical_text(text));
  if (!envelope) return pass(envelope.error());
  if (auto accepted = accept_trust_list(change_by(rooms, caller), *envelope); !accepted) {
    return pass(accepted.error());
  }
  const auto version = rooms.site.trust()->list.version;
  spdlog::info("{}: trust list version {}, signed away from here", caller.text(), version);
  return json_response({{"trustVersion", version}});
}

}  // namespace muster::handlers
