#include "enrolment/pending.hpp"

#include <algorithm>

#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
bool is_expired(const PendingMachine& machine, const EnrolmentContext& context) {
  return machine.last_seen + context.limits.pending_lifetime.count() <=
         unix_seconds(earliest_now(context));
}

constexpr auto name_fields = [](auto& fields, auto& node) {
  fields.text("cluster", node.cluster);
  fields.text("node", node.node);
};

constexpr auto pending_fields = [](auto& fields, auto& machine) {
  fields.text("fingerprint", machine.fingerprint);
  fields.texts("macs", machine.hints.macs);
  fields.text("uuid", machine.hints.uuid);
  fields.text("serial", machine.hints.serial);
  fields.text("hostname", machine.hints.hostname);
  fields.text("machineId", machine.hints.machine_id);
  fields.text("bootId", machine.hints.boot_id);
  fields.text("source", machine.source);
  fields.object("proposed", machine.proposed, name_fields);
  fields.object("approved", machine.approved, name_fields);
  fields.text("approvedBy", machine.approved_by);
  fields.number("firstSeen", machine.first_seen);
  fields.number("lastSeen", machine.last_seen);
};

// Counts what lives and adds the removal of what does not to the transaction.
struct Occupancy {
  std::size_t all = 0, of_source = 0;
};
Result<Occupancy> sweep(const EnrolmentContext& context, std::string_view source,
                        Transaction& transaction) {
  const auto records = context.store.list(kinds::pending);
  if (!records) return pass(records.error());
  Occupancy occupancy;
  for (const auto& record : *records) {
    const auto machine = as_stored(parse_pending_machine(record.value));
    if (!machine || is_expired(*machine, context)) {
      transaction.expect(kinds::pending, record.key, record.version)
          .remove(kinds::pending, record.key);
      continue;
    }
    ++occupancy.all;
    if (machine->source == source) ++occupancy.of_source;
  }
  return occupancy;
}
}  // namespace

std::string to_json(const PendingMachine& machine) {
  return record_text(machine, pending_fields);
}

Result<PendingMachine> parse_pending_machine(std::string_view json) {
  return parse_record<PendingMachine>("pending machine record", json, pending_fields);
}

Result<FoundPending> find_pending(const EnrolmentContext& context, std::string_view fingerprint) {
  const auto record = context.store.get(kinds::pending, fingerprint);
  if (!record) {
    if (record.error().kind == ErrorKind::not_found) return FoundPending{};
    return pass(record.error());
  }
  auto machine = as_stored(parse_pending_machine(record->value));
  if (!machine) return pass(machine.error());
  if (is_expired(*machine, context)) return FoundPending{};
  return FoundPending{std::move(*machine), record->version};
}

Result<void> note_pending(const EnrolmentContext& context, const PendingMachine& machine) {
  std::optional<Error> refusal;
  const auto done = update(
      context.store, kinds::pending, machine.fingerprint,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        PendingMachine note = machine;
        note.first_seen = note.last_seen = unix_seconds(context.now());
        auto known = value ? as_stored(parse_pending_machine(*value)) : Result<PendingMachine>();
        if (value && known && !is_expired(*known, context)) {
          const bool is_recent =
              known->last_seen + context.limits.pending_lifetime.count() / 4 > note.last_seen;
          if (is_recent && known->proposed == note.proposed && known->source == note.source)
            return {};
          note.first_seen = known->first_seen;
          note.approved = known->approved;
          note.approved_by = known->approved_by;
        } else {
          const auto occupancy = sweep(context, machine.source, transaction);
          if (!occupancy) return pass(occupancy.error());
          if (occupancy->all >= context.limits.pending ||
              occupancy->of_source >= context.limits.pending_per_source) {
            refusal = Error{
                ErrorKind::exhausted, "pending_full",
                "pending machines: the limit is reached; approve those that wait, or enrol with a join token"};
            transaction.changes.clear();
            return {};
          }
        }
        transaction.put(kinds::pending, machine.fingerprint, to_json(note));
        return {};
      });
  if (!done) return pass(done.error());
  if (refusal) return pass(std::move(*refusal));
  return {};
}

Result<std::vector<PendingMachine>> list_pending(const EnrolmentContext& context) {
  const auto records = context.store.list(kinds::pending);
  if (!records) return pass(records.error());
  std::vector<PendingMachine> machines;
  for (const auto& record : *records) {
    auto machine = as_stored(parse_pending_machine(record.value));
    if (machine && !is_expired(*machine, context)) machines.push_back(std::move(*machine));
  }
  std::stable_sort(machines.begin(), machines.end(),
                   [](const auto& a, const auto& b) { return a.first_seen < b.first_seen; });
  return machines;
}

}  // namespace muster
