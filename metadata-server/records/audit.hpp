// Who did what to whom: kind "audit", with keys by the clock, which may have been wrong. Rows are
// added to the transaction that makes the change true, so that there is no change without its row.
// They are never changed or removed. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct AuditRow {
  std::string id;         // where the next page starts; empty when not yet written
  std::int64_t time = 0;  // Unix microseconds
  std::string actor;      // "operator anna", "machine lab/m1", "server", a source address
  std::string action;     // past tense: "published", "secret-read"
  std::string subject;    // "lab", "lab/m1", "lab/db-password"
  std::string detail;     // reasons, versions, fingerprints; never a secret
};

// Longer texts are cut, so that nobody fills the disk with one refused request.
inline constexpr std::size_t maximum_audit_name = 256;     // bytes of actor, action, subject
inline constexpr std::size_t maximum_audit_detail = 1024;  // bytes

// Of a row's id, by the clock of then: Unix microseconds.
[[nodiscard]] std::int64_t audit_time(std::string_view id);

void append_audit(Transaction& transaction, TimePoint now, std::string_view actor,
                  std::string_view action, std::string_view subject, std::string_view detail = {});

// Rows after the row `after` ("" from the first), oldest first, at most `limit` (and 1000).
[[nodiscard]] Result<std::vector<AuditRow>> list_audit(const Store& store, std::string_view after,
                                                       std::size_t limit);

struct AuditQuery {
  std::string after;       // rows after this one; "": from the first
  std::int64_t since = 0;  // Unix seconds: none that say an older time
  std::string node;        // "m1" or "lab/m1": what it did and what was done to it; "": of all
  std::size_t limit = 100;
  bool newest = false;  // the last `limit` of them, else the first
};
// In the order of writing, that of the store's revisions, whatever the clock said then. A row that
// cannot be read has the action "unreadable", and why as its detail.
[[nodiscard]] Result<std::vector<AuditRow>> find_audit(const Store& store, const AuditQuery& query);

}  // namespace muster
