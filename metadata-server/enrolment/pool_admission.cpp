#include "enrolment/pool_admission.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "document/ipv4.hpp"
#include "document/problem.hpp"
#include "enrolment/identity.hpp"
#include "enrolment/member_proof.hpp"
#include "inventory/pool_members.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

std::string pool_of(const JoinToken& token) {
  return fmt::format("pool '{}/{}'", token.cluster, token.pool);
}

std::string joined(const std::vector<Sourced<std::string>>& texts) {
  std::vector<std::string> values;
  for (const auto& text : texts) values.push_back(text.value);
  return fmt::format("{}", fmt::join(values, ", "));
}

Result<void> check_address(const JoinToken& token, const std::string& source, const NodePool& pool,
                           const EnrolmentInventory& inventory) {
  const auto address = ipv4_value(source);
  if (!address || !is_in_ranges(pool, *address))
    return fail(
        ErrorKind::forbidden, "address_outside",
        fmt::format(
            "{}: expected a machine at an address in {}, found one at {}; correct its network, or the pool's spec.addressRanges",
            pool_of(token), joined(pool.address_ranges), source));
  if (const std::string holder = inventory.holder_of(source); !holder.empty())
    return fail(ErrorKind::conflict, "address_taken",
                fmt::format("{}: {} has the address {}; give this machine another one",
                            pool_of(token), holder, source));
  return {};
}

tl::unexpected<Error> address_taken(const JoinToken& token, const MemberRecord& holder) {
  if (holder.removed_at != 0)
    return fail(
        ErrorKind::conflict, "address_taken",
        fmt::format(
            "{}: the address {} was that of '{}/{}', which was removed a short time ago; it is free again some minutes after that",
            pool_of(token), holder.address, holder.cluster, holder.node));
  return fail(
      ErrorKind::conflict, "address_taken",
      fmt::format(
          "{0}: another key at the address {1} is '{2}/{3}'; if that machine is gone, an operator orders `muster node replace {3}`",
          pool_of(token), holder.address, holder.cluster, holder.node));
}

// The member at this address already, or its replacement that an operator ordered.
Result<MemberRecord> admit_again(const PoolQuestion& question, const ProvenMachine& proven,
                                 FoundMember found) {
  const JoinToken& token = question.token.token;
  const bool is_ours = found.record.cluster == token.cluster && found.record.pool == token.pool &&
                       found.record.removed_at == 0;
  if (!is_ours) return address_taken(token, found.record);
  if (found.record.key == question.key) return std::move(found.record);
  const auto machine =
      find_machine(question.context.store, {found.record.cluster, found.record.node});
  if (!machine) return pass(machine.error());
  if (auto may = check_may_be_issued(*machine); !may) return pass(may.error());
  const std::string& wanted = machine->record.replace_key;
  if (!machine->record.replace_ordered || (!wanted.empty() && wanted != question.key))
    return address_taken(token, found.record);
  if (auto usable = check_usable(token, latest_now(question.context)); !usable)
    return pass(usable.error());
  found.record.key = question.key;
  Transaction transaction;
  put_member(found, transaction);
  expect_not_banned(found.record.cluster, found.record.node, question.key, transaction);
  use_instance(proven, found.record, unix_seconds(question.context.now()), transaction);
  consume(question.token, transaction);
  if (auto committed = question.context.store.commit(transaction); !committed)
    return pass(committed.error());
  return std::move(found.record);
}

// Its name and role among the members that there are. pool_full.
Result<MemberRecord> allocate(const PoolQuestion& question, const NodePool& pool,
                              const std::string& address) {
  const JoinToken& token = question.token.token;
  const auto members = list_members(question.context.store, token.cluster);
  if (!members) return pass(members.error());
  std::set<std::string> taken;
  bool has_master = false;
  for (const MemberRecord& member : *members) {
    taken.insert(member.node);
    has_master = has_master || (is_control_plane(member.role) && member.removed_at == 0);
  }
  const auto bans = list_bans(question.context.store, token.cluster);
  if (!bans) return pass(bans.error());
  for (const auto& [node, ban] : *bans) taken.insert(node);
  int index = 1;
  while (index <= pool.maximum.value && taken.contains(member_name(pool, index))) ++index;
  if (index > pool.maximum.value)
    return fail(
        ErrorKind::conflict, "pool_full",
        fmt::format(
            "{}: its {} members are there{}; raise the pool's spec.maximum, or remove one with `muster node remove`, whose name is free again some minutes later",
            pool_of(token), pool.maximum.value,
            bans->empty() ? "" : ", or have names that are banned (`muster unban NAME`)"));
  MemberRecord record;
  record.cluster = token.cluster;
  record.node = member_name(pool, index);
  record.pool = token.pool;
  record.role = pool.role.value == Role::master && has_master ? Role::follower : pool.role.value;
  record.address = address;
  record.key = question.key;
  record.admitted_at = unix_seconds(expected_now(question.context));
  if (pool.time_to_live && !is_control_plane(record.role))
    record.ends_at = unix_seconds(latest_now(question.context)) + pool.time_to_live->value.count();
  return record;
}

}  // namespace

Result<MemberRecord> admit_member(const PoolQuestion& question) {
  const EnrolmentContext& context = question.context;
  const JoinToken& token = question.token.token;
  const auto inventory = context.inventory();
  const NodePool* pool = inventory->pool(token.cluster, token.pool);
  auto read = pool == nullptr ? inventory->check_read(token.cluster) : Result<void>();
  if (!read) return pass(read.error());
  if (pool == nullptr)
    return fail(
        ErrorKind::conflict, "pool_unknown",
        fmt::format(
            "{}: not in the inventory any more; apply one that names it, or use a token of another pool",
            pool_of(token)));
  const auto proven = prove_machine(question, *pool);
  if (!proven) return pass(proven.error());
  auto there = find_member_at(context.store, proven->address);
  if (!there) return pass(there.error());
  if (*there) return admit_again(question, *proven, std::move(**there));
  if (auto usable = check_usable(token, latest_now(context)); !usable) return pass(usable.error());
  auto free = check_address(token, proven->address, *pool, *inventory);
  if (!free) return pass(free.error());
  auto record = allocate(question, *pool, proven->address);
  if (!record) return record;
  Transaction transaction;
  add_member(*record, transaction);
  expect_not_banned(record->cluster, record->node, record->key, transaction);
  use_instance(*proven, *record, record->admitted_at, transaction);
  consume(question.token, transaction);
  append_audit(transaction, context.now(), question.source, "member-admitted",
               kinds::pair_key(record->cluster, record->node),
               fmt::format("pool {}, by join token {}{}, key {}", record->pool, token.id,
                           proven->instance ? " and instance " + proven->instance->instance_id : "",
                           record->key));
  if (auto marked = mark_due(context.store, record->cluster, record->node + " admitted",
                             fmt::format("member {}/{}", record->cluster, record->node),
                             context.now(), transaction);
      !marked)
    return pass(marked.error());
  if (auto committed = context.store.commit(transaction); !committed)
    return pass(committed.error());
  return record;
}

}  // namespace muster
