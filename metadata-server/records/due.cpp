#include "records/due.hpp"

#include "pki/unix_seconds.hpp"
#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr auto due_fields = [](auto& fields, auto& mark) {
  fields.number("since", mark.since);
  fields.text("why", mark.why);
  fields.text("by", mark.by);
};

// That it is there says enough: its cluster is published, and the mark goes.
DueMark read_mark(const Record& record) {
  const std::string what = fmt::format("due mark '{}'", record.key);
  const DueMark unread{{}, 0, "a mark that cannot be read", "server", 0};
  DueMark mark = parse_record<DueMark>(what, record.value, due_fields).value_or(unread);
  mark.cluster = record.key;
  mark.version = record.version;
  return mark;
}

// Sixty members that expire together are told by the first of them.
std::string with_reason(const std::string& told, std::string_view why) {
  constexpr std::size_t longest = 200;
  constexpr std::string_view more = "; and more";
  if (told.find(why) != std::string::npos || told.ends_with(more)) return told;
  if (told.size() + why.size() > longest) return told + std::string(more);
  return fmt::format("{}; {}", told, why);
}

}  // namespace

Result<void> mark_due(const Store& store, const std::string& cluster, std::string_view why,
                      std::string_view by, TimePoint now, Transaction& transaction) {
  const auto found = find_due(store, cluster);
  if (!found) return pass(found.error());
  DueMark mark;
  mark.since = *found && (*found)->since != 0 ? (*found)->since : unix_seconds(now);
  mark.why = *found ? with_reason((*found)->why, why) : std::string(why);
  mark.by = by;
  transaction.put(kinds::due, cluster, record_text(mark, due_fields));
  return {};
}

Result<std::optional<DueMark>> find_due(const Store& store, const std::string& cluster) {
  const auto record = store.get(kinds::due, cluster);
  if (!record && record.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!record) return pass(record.error());
  return read_mark(*record);
}

Result<std::vector<DueMark>> all_due(const Store& store) {
  const auto records = all_records(store, kinds::due);
  if (!records) return pass(records.error());
  std::vector<DueMark> marks;
  for (const auto& record : *records) marks.push_back(read_mark(record));
  return marks;
}

void clear_due(const DueMark& mark, Transaction& transaction) {
  transaction.expect(kinds::due, mark.cluster, mark.version).remove(kinds::due, mark.cluster);
}

}  // namespace muster
