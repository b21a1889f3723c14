// Old audit rows leave the store for compressed files: FOLDER/<first row's id>.jsonl.gz (RFC 1952),
// one row a line as `muster audit -o json` has it, oldest first. They can be read with zcat.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct AuditPolicy {
  std::chrono::hours in_store{24 * 30};   // rows older than this move into files
  std::uint64_t rows_in_store = 100000;   // and the oldest, where there are more
  std::chrono::hours in_files{24 * 365};  // files whose rows are all older are removed
  std::size_t rows_per_file = 5000;       // also the most rows that one call moves
};

struct AuditRotation {
  std::size_t moved = 0;    // rows
  std::size_t removed = 0;  // files
  bool is_complete = true;  // false: more are old, call again
};
// A file is complete and on disk before its rows leave the store, all in one transaction. Killed
// between the two, the next call writes the same file once more: no row is lost, and where a row is
// in two files after all, both have its `id`. Files are 0600, the folder is made 0700.
[[nodiscard]] Result<AuditRotation> rotate_audit(Store& store, const std::string& folder,
                                                 const AuditPolicy& policy, TimePoint now);
struct AuditFiles {
  std::size_t count = 0;
  std::string oldest;  // a file's name
};
// No folder: no files.
[[nodiscard]] Result<AuditFiles> list_audit_files(const std::string& folder);

}  // namespace muster
