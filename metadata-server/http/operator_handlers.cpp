#include "enrolment/operators.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/rooms.hpp"
#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/audit_archive.hpp"

namespace muster::handlers {

namespace {

nlohmann::json to_value(const std::optional<OperatorLimits>& limits) {
  if (!limits) return nullptr;
  return {{"templates", limits->templates},
          {"clusters", limits->clusters},
          {"machines", limits->machines},
          {"ttlSeconds", limits->lifetime.count()}};
}

// after, limit, node, within (seconds); tail instead of limit: the newest.
Result<AuditQuery> read_audit_query(const Request& request, TimePoint now) {
  constexpr std::uint64_t most = 10000;
  AuditQuery query;
  for (const auto& [field, target] :
       {std::pair{"after", &query.after}, std::pair{"node", &query.node}}) {
    auto text = query_text(request, field, Need::optional);
    if (!text) return pass(text.error());
    *target = std::move(*text);
  }
  const auto tail = query_number(request, "tail", 0);
  const auto limit = query_number(request, "limit", 100);
  const auto within = query_number(request, "within", 0);
  for (const auto* number : {&tail, &limit, &within}) {
    if (!*number) return pass(number->error());
  }
  query.newest = *tail > 0;
  query.limit = std::min(query.newest ? *tail : *limit, most);
  const std::int64_t present = unix_seconds(now);
  if (*within > 0 && std::in_range<std::int64_t>(*within))
    query.since = std::max<std::int64_t>(present - static_cast<std::int64_t>(*within), 0);
  return query;
}

void read_limits_of(JsonObject& root, std::optional<OperatorLimits>& limits) {
  root.object(
      "limits", [&](JsonObject& object) { read_limits(object, limits.emplace()); }, Need::optional);
}

}  // namespace

Result<Response> get_operators(const Rooms& rooms, const Caller&, const Request&) {
  const auto operators = list_operators(rooms.store);
  if (!operators) return pass(operators.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& record : *operators) {
    rows.push_back({{"name", record.name},
                    {"fingerprint", record.key},
                    {"serial", record.serial},
                    {"expiresAt", record.not_after},
                    {"createdAt", record.created_at},
                    {"createdBy", record.created_by},
                    {"limits", to_value(record.limits)},
                    {"revoked", record.revoked}});
  }
  return json_response({{"operators", rows}});
}

Result<Response> post_operators(const Rooms& rooms, const Caller& caller, const Request& request) {
  std::string name, csr;
  std::optional<OperatorLimits> limits;
  bool is_unrestricted = false;
  auto read = read_json_body("operator request", request, [&](JsonObject& root) {
    root.text("name", name);
    root.text("csr", csr);
    root.flag("unrestricted", is_unrestricted, Need::optional);
    read_limits_of(root, limits);
  });
  if (!read) return pass(read.error());
  const auto certificate =
      add_operator(rooms.enrolment, name, csr, caller.text(), limits, is_unrestricted);
  if (!certificate) return pass(certificate.error());
  spdlog::info("{}: added operator {}", caller.text(), name);
  return json_response({{"name", name}, {"certificate", *certificate}});
}

Result<Response> put_operator_limits(const Rooms& rooms, const Caller& caller,
                                     const Request& request) {
  const std::string& name = request.parameters.at("name");
  std::optional<OperatorLimits> limits;
  auto read =
      read_json_body("limits", request, [&](JsonObject& root) { read_limits_of(root, limits); });
  if (!read) return pass(read.error());
  if (auto set = limit_operator(rooms.enrolment, name, limits, caller.text()); !set)
    return pass(set.error());
  spdlog::info("{}: set the limits of operator {}", caller.text(), name);
  return json_response({{"name", name}, {"limits", to_value(limits)}});
}

Result<Response> delete_operator(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& name = request.parameters.at("name");
  if (auto revoked = revoke_operator(rooms.enrolment, name, caller.text()); !revoked) {
    return pass(revoked.error());
  }
  spdlog::info("{}: revoked operator {}", caller.text(), name);
  return json_response({{"name", name}});
}

Result<Response> get_audit(const Rooms& rooms, const Caller&, const Request& request) {
  const auto query = read_audit_query(request, rooms.enrolment.now());
  if (!query) return pass(query.error());
  // What was served or refused a moment ago belongs in the answer.
  if (auto flushed = rooms.reports.flush(rooms.store); !flushed) return pass(flushed.error());
  auto counted = rooms.enrolment.counts.flush(rooms.store, rooms.enrolment.now());
  if (!counted) return pass(counted.error());
  const auto found = find_audit(rooms.store, *query);
  if (!found) return pass(found.error());
  nlohmann::json rows = nlohmann::json::array();
  const std::int64_t present = unix_microseconds(rooms.enrolment.now());
  std::size_t ahead = 0;
  for (const auto& row : *found) {
    if (row.time > present) ++ahead;
    rows.push_back({{"id", row.id},
                    {"time", row.time / 1000000},
                    {"timeMicroseconds", row.time},
                    {"actor", row.actor},
                    {"action", row.action},
                    {"subject", row.subject},
                    {"detail", row.detail}});
  }
  const std::string last = found->empty() ? query->after : found->back().id;
  const auto older = list_audit_files(rooms.audit_folder);
  if (!older) return pass(older.error());
  return json_response({{"rows", rows},
                        {"next", last},
                        {"ahead", ahead},
                        {"olderFiles", older->count},
                        {"olderFolder", rooms.audit_folder}});
}

}  // namespace muster::handlers
