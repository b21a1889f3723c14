// Rows of the audit for what anybody may cause as often as he likes: refused calls, guessed tokens,
// uploads. The first of a kind from a source is a row within a second; what follows within the hour
// is counted, and one row then tells how many. A storm makes a bounded number of rows, whatever it
// invents: beyond the limits it is counted as of "others". Thread-safe.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

class AuditCounts {
 public:
  struct Limits {
    std::size_t rows = 64;       // at once, of one action
    std::size_t per_actor = 8;   // of them, of one actor
    std::size_t own_rows = 256;  // of one enrolled machine, in a window
    std::chrono::seconds window = std::chrono::hours(1);
  };
  AuditCounts() : AuditCounts(Limits{}) {}
  explicit AuditCounts(Limits limits) : limits_(limits) {}

  // As in append_audit; of equal action, actor and subject the first detail is told. Never blocks
  // on the store.
  void note(const std::string& action, const std::string& actor, const std::string& subject,
            const std::string& detail, TimePoint now);
  // What an enrolled machine does, and may do again and again: as append_audit, until it has its
  // rows of this window; what is beyond is counted.
  void append(Transaction& transaction, TimePoint now, const std::string& actor,
              const std::string& action, const std::string& subject, const std::string& detail);
  // Writes what is new and what is over, in one transaction; costs nothing where there is neither.
  // What could not be written is tried again by the next call.
  [[nodiscard]] Result<void> flush(Store& store, TimePoint now);
  // Writes every count as it is: the server ends.
  [[nodiscard]] Result<void> flush_all(Store& store, TimePoint now);

 private:
  struct Key {
    std::string action, actor, subject;
    auto operator<=>(const Key&) const = default;
  };
  struct Count {
    std::string detail;
    TimePoint since;              // of the window
    std::uint64_t unwritten = 0;  // since the last row
    bool is_told = false;         // the window's first row is written
  };

  struct Rows {
    TimePoint since;  // of the window
    std::size_t count = 0;
  };

  [[nodiscard]] bool has_row_left(const std::string& actor, TimePoint now);
  [[nodiscard]] Key bounded(Key key) const;
  [[nodiscard]] Result<void> write(Store& store, TimePoint now, bool all);

  const Limits limits_;
  std::mutex writing_;  // before mutex_
  std::mutex mutex_;
  std::map<Key, Count> counts_;
  std::map<std::string, Rows> rows_;  // by actor; as many as there are machines
  bool is_news_ = false;
  TimePoint next_end_ = TimePoint::max();  // of the window that is over first
};

}  // namespace muster
