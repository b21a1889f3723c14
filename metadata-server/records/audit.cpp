#include "records/audit.hpp"

#include <algorithm>

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "document/utf8.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::size_t maximum_page = 1000;  // rows

Result<AuditRow> parse_row(const Record& record) {
  const auto json = parse_strict_json("audit row", record.value);
  if (!json) return pass(json.error());
  AuditRow row;
  row.id = record.key;
  std::vector<Problem> problems;
  JsonObject root(*json, "", problems);
  root.number("time", row.time);
  root.text("actor", row.actor);
  root.text("action", row.action);
  root.text("subject", row.subject);
  root.text("detail", row.detail);
  root.close();
  if (!problems.empty()) return fail("audit row", problems);
  return row;
}

}  // namespace

void append_audit(Transaction& transaction, TimePoint now, std::string_view actor,
                  std::string_view action, std::string_view subject, std::string_view detail) {
  const std::int64_t time = unix_microseconds(now);
  transaction.put(kinds::audit,
                  kinds::audit_key(static_cast<std::uint64_t>(time), hex_encode(random_bytes(4))),
                  canonical_text({{"time", time},
                                  {"actor", cut_text(actor, maximum_audit_name)},
                                  {"action", cut_text(action, maximum_audit_name)},
                                  {"subject", cut_text(subject, maximum_audit_name)},
                                  {"detail", cut_text(detail, maximum_audit_detail)}}));
}

Result<std::vector<AuditRow>> list_audit(const Store& store, std::string_view after,
                                         std::size_t limit) {
  const auto records = store.list(kinds::audit, {}, after, std::min(limit, maximum_page));
  if (!records) return while_doing(records.error(), "reading the audit");
  std::vector<AuditRow> rows;
  for (const auto& record : *records) {
    auto row = parse_row(record);
    if (!row) return while_doing(row.error(), fmt::format("audit '{}'", record.key));
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace muster
