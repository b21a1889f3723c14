#include "records/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "document/problem.hpp"
#include "pki/signature.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::array words = {scheduled::cluster, scheduled::member, scheduled::released,
                              scheduled::lapse, scheduled::sweep};

std::string key_of(std::int64_t at, std::string_view what, std::string_view name) {
  return fmt::format("{:012}/{}/{}", at, what, name);
}

}  // namespace

void put_scheduled(const ScheduleRow& row, Transaction& transaction) {
  transaction.put(kinds::schedule, key_of(row.at, row.what, row.name), row.value);
}

void remove_scheduled(std::int64_t at, std::string_view what, std::string_view name,
                      Transaction& transaction) {
  transaction.remove(kinds::schedule, key_of(at, what, name));
}

void put_lapse(std::int64_t at,
               const std::vector<std::pair<std::string_view, std::string>>& records,
               Transaction& transaction) {
  if (records.empty()) return;
  ScheduleRow row{at, std::string(scheduled::lapse), hex_encode(random_bytes(8)), {}};
  for (const auto& [kind, key] : records) row.value += fmt::format("{} {}\n", kind, key);
  put_scheduled(row, transaction);
}

Result<void> let_lapse(Store& store, const ScheduleRow& row) {
  Transaction transaction;
  std::istringstream lines(row.value);
  for (std::string kind, key; lines >> kind >> key;) transaction.remove(kind, key);
  remove_scheduled(row.at, row.what, row.name, transaction);
  return commit(store, transaction);
}

namespace {
// Nothing: its key says not when, what and of whom.
std::optional<ScheduleRow> row_of(const Record& record) {
  const auto time = kinds::parse_pair_key(record.key);
  const auto subject = time ? kinds::parse_pair_key(time->second) : std::nullopt;
  const bool is_time = time && !time->first.empty() &&
                       time->first.find_first_not_of("0123456789") == std::string::npos;
  if (!subject || !is_time) return std::nullopt;
  const std::int64_t at = std::strtoll(time->first.c_str(), nullptr, 10);
  return ScheduleRow{at, subject->first, subject->second, record.value};
}
}  // namespace

Result<void> check_schedule_record(const Record& record) {
  const auto row = row_of(record);
  if (row && std::find(words.begin(), words.end(), row->what) != words.end()) return {};
  return fail(
      ErrorKind::corrupt,
      fmt::format(
          "schedule row {}: expected a key TIME/WHAT/NAME, WHAT cluster, member, released, lapse or sweep",
          in_ticks(record.key)));
}

Result<bool> is_scheduled(const Store& store, const ScheduleRow& row) {
  // Of a row without a sound key, that is its name (list_due).
  const auto record =
      store.get(kinds::schedule, row.what.empty() ? row.name : key_of(row.at, row.what, row.name));
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  return record.has_value();
}

Result<std::int64_t> scheduled_at(const Store& store, std::string_view what,
                                  std::string_view name) {
  const auto records = all_records(store, kinds::schedule);
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    const auto row = row_of(record);
    if (row && row->what == what && row->name == name) return row->at;
  }
  return 0;
}

Result<void> expect_swept(const Store& store, const std::string& cluster,
                          Transaction& transaction) {
  const auto waits = is_scheduled(store, {0, std::string(scheduled::sweep), cluster, {}});
  if (!waits) return pass(waits.error());
  if (*waits) {
    return fail(
        ErrorKind::unavailable,
        fmt::format(
            "cluster '{}': one of that name has just ended, and what was ordered meanwhile is being taken away; ask again in some seconds",
            cluster));
  }
  transaction.expect(kinds::schedule, key_of(0, scheduled::sweep, cluster), 0);
  return {};
}

Result<std::vector<ScheduleRow>> list_due(const Store& store, std::int64_t now, std::size_t limit) {
  auto records = store.list(kinds::schedule, {}, {}, limit);
  if (!records) return while_doing(records.error(), "schedule");
  std::vector<ScheduleRow> due;
  for (auto& record : *records) {
    auto row = row_of(record);
    // Whoever carries rows out says that it cannot; what else is due does not wait for it.
    if (!row) row = ScheduleRow{0, {}, record.key, {}};
    if (row->at > now) break;
    due.push_back(std::move(*row));
  }
  return due;
}

}  // namespace muster
