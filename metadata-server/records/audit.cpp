#include "records/audit.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <tuple>

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

namespace {

Result<AuditRow> parse_row(const Record& record) {
  auto row = parse_record<AuditRow>("audit row", record.value, audit_fields);
  if (row) row->id = record.key;
  return row;
}

// One that cannot be read is told, too: nothing is hidden by damage.
AuditRow read_row(const Record& record) {
  auto row = parse_row(record);
  if (row) return std::move(*row);
  return {record.key, audit_time(record.key), "", "unreadable", "", row.error().message};
}

}  // namespace

// "00001763701234567890-9f86d081".
std::int64_t audit_time(std::string_view id) {
  return std::strtoll(std::string(id.substr(0, 20)).c_str(), nullptr, 10);
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

// Where a row stands in the order of writing: by its commit, and within that by its key.
struct WritingPlace {
  std::uint64_t version = 0;
  std::string key;
  bool operator<(const WritingPlace& other) const {
    return std::tie(version, key) < std::tie(other.version, other.key);
  }
};

// Of a row that was moved into a file meanwhile, the first: older rows are not there any more.
Result<WritingPlace> writing_place(const Store& store, const std::string& id) {
  if (id.empty()) return WritingPlace{};
  const auto record = store.get(kinds::audit, id);
  if (record) return WritingPlace{record->version, id};
  if (record.error().kind == ErrorKind::not_found) return WritingPlace{};
  return pass(record.error());
}

}  // namespace

// Keys go by a clock that may have been wrong, so that all rows are looked through; no more than
// `limit` of them are held.
Result<std::vector<AuditRow>> find_audit(const Store& store, const AuditQuery& query) {
  const auto after = writing_place(store, query.after);
  if (!after) return pass(after.error());
  std::map<WritingPlace, AuditRow> found;
  for (std::string page = first_key(query.since);;) {
    const auto records = store.list(kinds::audit, {}, page, maximum_page);
    if (!records) return while_doing(records.error(), "reading the audit");
    if (records->empty()) break;
    page = records->back().key;
    for (const auto& record : *records) {
      const WritingPlace place{record.version, record.key};
      if (!(*after < place)) continue;
      const bool is_full = found.size() >= query.limit;
      if (is_full && (found.empty() || (query.newest ? place < found.begin()->first
                                                     : found.rbegin()->first < place)))
        continue;
      auto row = read_row(record);
      if (!is_of(row, query.node)) continue;
      found.emplace(place, std::move(row));
      if (is_full) found.erase(query.newest ? found.begin() : std::prev(found.end()));
    }
  }
  std::vector<AuditRow> rows;
  for (auto& [place, row] : found) rows.push_back(std::move(row));
  return rows;
}

}  // namespace muster
