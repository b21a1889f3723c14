#include "records/clock_record.hpp"

#include "document/strict_json.hpp"
#include "store/kinds.hpp"

namespace muster {

void put_highest_time(std::int64_t unix_seconds, Transaction& transaction) {
  transaction.put(kinds::site, kinds::clock_key, canonical_text({{"time", unix_seconds}}));
}

Result<std::optional<std::int64_t>> find_highest_time(const Store& store) {
  const auto record = store.get(kinds::site, kinds::clock_key);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  // One that cannot be read is none: no reason not to start.
  const auto json = nlohmann::json::parse(record->value, nullptr, false);
  const auto time = json.is_object() ? json.find("time") : json.end();
  if (!json.is_object() || time == json.end() || !time->is_number_integer()) return std::nullopt;
  return time->get<std::int64_t>();
}

}  // namespace muster
