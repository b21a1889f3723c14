#include "records/clock_record.hpp"

#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

struct ClockRecord {
  std::int64_t time = 0;
};

constexpr auto clock_fields = [](auto& fields, auto& clock) { fields.number("time", clock.time); };

}  // namespace

void put_highest_time(std::int64_t unix_seconds, Transaction& transaction) {
  transaction.put(kinds::site, kinds::clock_key,
                  record_text(ClockRecord{unix_seconds}, clock_fields));
}

Result<std::optional<std::int64_t>> find_highest_time(const Store& store) {
  const auto record = store.get(kinds::site, kinds::clock_key);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  // One that cannot be read is none: no reason not to start.
  const auto clock = parse_record<ClockRecord>("clock", record->value, clock_fields);
  if (!clock) return std::nullopt;
  return clock->time;
}

}  // namespace muster
