#include "records/audit.hpp"

#include <algorithm>
#include <limits>

#include "document/utf8.hpp"
#include "pki/signature.hpp"
#include "pki/unix_seconds.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::size_t maximum_page = 1000;  // rows

constexpr auto audit_fields = [](auto& fields, auto& row) {
  fields.number("time", row.time);
  fields.text("actor", row.actor);
  fields.text("action", row.action);
  fields.text("subject", row.subject);
  fields.text("detail", row.detail);
};

}  // namespace

void append_audit(Transaction& transaction, TimePoint now, std::string_view actor,
                  std::string_view action, std::string_view subject, std::string_view detail) {
  AuditRow row;
  row.time = unix_microseconds(now);
  row.id = kinds::audit_key(static_cast<std::uint64_t>(row.time), hex_encode(random_bytes(4)));
  row.actor = cut_text(actor, maximum_audit_name);
  row.action = cut_text(action, maximum_audit_name);
  row.subject = cut_text(subject, maximum_audit_name);
  row.detail = cut_text(detail, maximum_audit_detail);
  transaction.put(kinds::audit, row.id, record_text(row, audit_fields));
}

Result<std::vector<AuditRow>> list_audit(const Store& store, std::string_view after,
                                         std::size_t limit) {
  const auto records = store.list(kinds::audit, {}, after, std::min(limit, maximum_page));
  if (!records) return while_doing(records.error(), "reading the audit");
  std::vector<AuditRow> rows;
  for (const auto& record : *records) {
    auto row = parse_record<AuditRow>("audit row", record.value, audit_fields);
    if (!row) return while_doing(row.error(), fmt::format("audit '{}'", record.key));
    row->id = record.key;
    rows.push_back(std::move(*row));
  }
  return rows;
}

namespace {

// "lab/m1", and what is below it: "lab/m1/kubelet-client".
bool names(std::string_view text, std::string_view node) {
  const bool is_whole = node.find('/') != std::string_view::npos;
  const auto cluster = text.find('/');
  if (!is_whole && cluster == std::string_view::npos) return false;
  const std::string_view found = is_whole ? text : text.substr(cluster + 1);
  return found == node || (found.starts_with(node) && found[node.size()] == '/');
}

bool is_of(const AuditRow& row, std::string_view node) {
  constexpr std::string_view machine = "machine ";
  const std::string_view actor = row.actor;
  return node.empty() || names(row.subject, node) ||
         (actor.starts_with(machine) && names(actor.substr(machine.size()), node));
}

std::string first_key(std::int64_t seconds) {
  return seconds <= 0 ? std::string()
                      : kinds::audit_key(static_cast<std::uint64_t>(seconds) * 1000000, {});
}

// The first `limit` that match after a row.
Result<std::vector<AuditRow>> first_rows(const Store& store, std::string after,
                                         std::string_view node, std::size_t limit) {
  std::vector<AuditRow> rows;
  while (rows.size() < limit) {
    auto page = list_audit(store, after, maximum_page);
    if (!page) return page;
    if (page->empty()) break;
    for (const auto& row : *page) {
      if (rows.size() < limit && is_of(row, node)) rows.push_back(row);
    }
    after = page->back().id;
  }
  return rows;
}

}  // namespace

Result<std::vector<AuditRow>> find_audit(const Store& store, const AuditQuery& query,
                                         TimePoint now) {
  const std::string since = std::max(query.after, first_key(query.since));
  if (!query.newest) return first_rows(store, since, query.node, query.limit);
  // The store has no way back from the end: ever longer times before now, until there are enough.
  const std::int64_t seconds = unix_seconds(now);
  for (std::int64_t span = 600;; span *= 8) {
    const std::string begin = std::max(since, first_key(seconds - span));
    auto rows = first_rows(store, begin, query.node, std::numeric_limits<std::size_t>::max());
    if (!rows) return rows;
    if (rows->size() < query.limit && begin != since) continue;
    if (rows->size() > query.limit)
      rows->erase(rows->begin(), rows->end() - static_cast<std::ptrdiff_t>(query.limit));
    return rows;
  }
}

}  // namespace muster
