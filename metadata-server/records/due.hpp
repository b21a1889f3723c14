// What is owed to a cluster: kind "due", one record per cluster of which something changed that its
// documents are made from. Whoever changes it marks the cluster in the same transaction; the
// publisher (publish/publisher) publishes and takes the mark away, guarded by its version, which
// moves with every mark. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct DueMark {
  std::string cluster;
  // Unix seconds, of the first change that was not published; 0: the mark cannot be read
  std::int64_t since = 0;
  std::string why;            // each of them, the first few: "ban of n1; drain of n2"
  std::string by;             // who caused it: "operator anna", "expiry"
  std::uint64_t version = 0;  // of the record
};

// Adds the mark; one that is there keeps its age and its reasons.
[[nodiscard]] Result<void> mark_due(const Store& store, const std::string& cluster,
                                    std::string_view why, std::string_view by, TimePoint now,
                                    Transaction& transaction);
[[nodiscard]] Result<std::optional<DueMark>> find_due(const Store& store,
                                                      const std::string& cluster);
[[nodiscard]] Result<std::vector<DueMark>> all_due(const Store& store);  // by cluster
// Guarded: the commit fails where the cluster was marked again, or published, since `mark` was
// read.
void clear_due(const DueMark& mark, Transaction& transaction);

}  // namespace muster
