#include "records/clock_record.hpp"

#include "document/time_text.hpp"
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

Result<void> check_clock(TimePoint now, TimePoint earliest, const std::string& what) {
  // The two are read one after the other.
  constexpr std::chrono::seconds slack{5};
  const auto ahead = std::chrono::floor<std::chrono::seconds>(now - earliest);
  if (ahead <= slack) return {};
  return fail(
      ErrorKind::conflict, "clock_in_doubt",
      fmt::format(
          "{}: the server's clock is {} ahead of what was expected, and in doubt: what is made now would last as much longer; put the clock right, or, if it is right now, run `muster clock confirm`; then try again",
          what, duration_text(ahead)));
}

}  // namespace muster
