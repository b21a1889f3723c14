#include "enrolment/pending.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "enrolment/source_network.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr std::int64_t shortest_between_writes = 5;  // seconds, of one row

bool is_expired(const PendingMachine& machine, const EnrolmentContext& context) {
  return machine.last_seen + context.limits.pending_lifetime.count() <=
         unix_seconds(expected_now(context));
}

struct Waiting {
  PendingMachine machine;
  std::uint64_t version = 0;
};

// Those that wait for an approval; the removal of what expired goes to the transaction.
Result<std::vector<Waiting>> sweep(const EnrolmentContext& context, Transaction& transaction) {
  const auto records = context.store.list(kinds::pending);
  if (!records) return pass(records.error());
  std::vector<Waiting> waiting;
  for (const auto& record : *records) {
    auto machine = parse_pending_machine(record.value);
    if (machine && !is_expired(*machine, context)) {
      if (machine->approved.node.empty()) waiting.push_back({std::move(*machine), record.version});
    } else {
      transaction.expect(kinds::pending, record.key, record.version)
          .remove(kinds::pending, record.key);
    }
  }
  return waiting;
}

// The one that gives way to the newcomer, if any: one that matches no machine of the inventory
// before one that says it does, of the site's networks that have most, of the network that has
// most, the oldest. What matches nothing takes no place from what matches; and nobody takes from
// who would then have fewer: a site's networks, and within them a network.
const Waiting* who_gives_way(const std::vector<Waiting>& waiting, const PendingMachine& newcomer) {
  std::map<std::string, std::size_t> sites, networks;
  for (const auto& one : waiting) {
    ++sites[site_network_of(one.machine.source)];
    ++networks[network_of(one.machine.source)];
  }
  const std::string own_site = site_network_of(newcomer.source);
  const std::size_t own_of_site = sites[own_site], own = networks[network_of(newcomer.source)];
  const bool matches = !newcomer.proposed.node.empty();
  const Waiting* found = nullptr;
  const auto rank = [&](const Waiting& one) {
    return std::tuple(one.machine.proposed.node.empty(), sites[site_network_of(one.machine.source)],
                      networks[network_of(one.machine.source)], -one.machine.first_seen);
  };
  for (const auto& one : waiting) {
    const bool is_stranger = one.machine.proposed.node.empty();
    const std::string site = site_network_of(one.machine.source);
    const bool is_greedy = site == own_site ? networks[network_of(one.machine.source)] >= own + 2
                                            : sites[site] >= own_of_site + 2;
    const bool may = matches ? is_stranger || is_greedy : is_stranger && is_greedy;
    if (!may) continue;
    if (found == nullptr || rank(one) > rank(*found)) found = &one;
  }
  return found;
}

// Whether there is a place, or one was made in the transaction.
bool has_place(const EnrolmentContext& context, const std::vector<Waiting>& waiting,
               const PendingMachine& newcomer, Transaction& transaction) {
  const std::string source = source_of(newcomer.source);
  const auto of_source = std::count_if(waiting.begin(), waiting.end(), [&](const auto& one) {
    return source_of(one.machine.source) == source;
  });
  if (static_cast<std::size_t>(of_source) >= context.limits.pending_per_source) return false;
  if (waiting.size() < context.limits.pending) return true;
  const auto* gives_way = who_gives_way(waiting, newcomer);
  if (gives_way == nullptr) return false;
  transaction.expect(kinds::pending, gives_way->machine.fingerprint, gives_way->version)
      .remove(kinds::pending, gives_way->machine.fingerprint);
  return true;
}
}  // namespace

Result<FoundPending> find_pending(const EnrolmentContext& context, std::string_view fingerprint) {
  const auto record = context.store.get(kinds::pending, fingerprint);
  if (!record) {
    if (record.error().kind == ErrorKind::not_found) return FoundPending{};
    return pass(record.error());
  }
  auto machine = parse_pending_machine(record->value);
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
        note.first_seen = note.last_seen = unix_seconds(latest_now(context));
        auto known = value ? parse_pending_machine(*value) : Result<PendingMachine>();
        if (value && known && !is_expired(*known, context)) {
          const bool is_recent =
              known->last_seen + context.limits.pending_lifetime.count() / 4 > note.last_seen;
          const auto listed = context.inventory()->lists(known->approved);
          const bool is_void = !known->approved.node.empty() && listed && !*listed;
          const bool is_same = known->proposed == note.proposed && known->source == note.source;
          // What a stranger says anew each time is not written each time.
          const std::int64_t age = note.last_seen - known->last_seen;
          const bool is_just_written = age >= 0 && age < shortest_between_writes;
          if (!is_void && (is_just_written || (is_recent && is_same))) return {};
          note.first_seen = known->first_seen;
          // Of a node that is not listed any more it is none, if that comes back, either.
          if (!is_void) {
            note.approved = known->approved;
            note.approved_by = known->approved_by;
          }
        } else {
          const auto waiting = sweep(context, transaction);
          if (!waiting) return pass(waiting.error());
          if (!has_place(context, *waiting, machine, transaction)) {
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
    auto machine = parse_pending_machine(record.value);
    if (machine && !is_expired(*machine, context)) machines.push_back(std::move(*machine));
  }
  std::stable_sort(machines.begin(), machines.end(),
                   [](const auto& a, const auto& b) { return a.first_seen < b.first_seen; });
  return machines;
}

}  // namespace muster
