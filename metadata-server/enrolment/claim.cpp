#include "enrolment/claim.hpp"

#include <algorithm>
#include <utility>

#include "document/field_syntax.hpp"
#include "enrolment/identity.hpp"
#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Of a node's start: nobody has proved anything for it.
constexpr std::int64_t shortest_between_writes = 5'000'000;  // microseconds

std::string same_form(std::string mac) {
  std::replace(mac.begin(), mac.end(), '-', ':');
  return lower_case(mac);
}

bool have_common(const std::vector<std::string>& some, const std::vector<std::string>& others) {
  return std::any_of(some.begin(), some.end(), [&](const std::string& mac) {
    return std::any_of(others.begin(), others.end(), [&](const std::string& other) {
      return same_form(mac) == same_form(other);
    });
  });
}

// Nothing: there is none, or it was revoked.
Result<std::optional<FoundJoinToken>> find_claim(const EnrolmentContext& context,
                                                 const std::string& text) {
  if (text.empty()) return std::optional<FoundJoinToken>();
  auto found = find_join_token(context.store, text);
  if (found) return std::optional(std::move(*found));
  if (found.error().code == "token_unknown") return std::optional<FoundJoinToken>();
  return pass(found.error());
}

// `earliest`: that it can be, so that it is no claim any more whichever way a doubt is settled.
void end_claim(FoundJoinToken claim, std::int64_t earliest, Transaction& transaction) {
  if (claim.token.expires_at <= earliest) return;
  claim.token.expires_at = earliest;
  transaction.expect(kinds::token, claim.token.id, claim.version)
      .put(kinds::token, claim.token.id, to_json(claim.token));
}

// Times are seconds: what has the second of the enrolment and was not used was made after it.
bool is_of_an_earlier_start(const JoinToken& claim, const MachineRecord& record) {
  return record.enrolled_at > claim.created_at ||
         (record.enrolled_at == claim.created_at && claim.remaining == 0);
}

// Whether who asks now gets the same one again: nobody used it, no other key has enrolled since,
// and a start has the time to come to its use.
bool is_to_be_told_again(const JoinToken& claim, const MachineRecord& record, TimePoint now) {
  return claim.remaining > 0 && !is_of_an_earlier_start(claim, record) &&
         !is_of_clock_ahead(claim, now) &&
         claim.expires_at - unix_seconds(now) >= claim_lifetime.count() / 2;
}

// A new one in the record; of those before it the newest stays.
Result<CreatedJoinToken> add_claim(const EnrolmentContext& context, BootRecord& record,
                                   const std::string& source, Transaction& transaction) {
  const auto last = find_claim(context, record.claim_before);
  if (!last) return pass(last.error());
  if (*last) end_claim(**last, unix_seconds(earliest_now(context)), transaction);
  NewJoinToken order;
  order.cluster = record.cluster;
  order.node = record.node;
  order.lifetime = claim_lifetime;
  order.claim.emplace();
  const auto inventory = context.inventory();
  if (const ListedNode* listed = inventory->node({record.cluster, record.node}))
    order.claim = ClaimMarks{listed->marks.macs, listed->marks.uuid};
  auto added = add_join_token(context, order, "a start by the network from " + source, transaction);
  if (!added) return pass(added.error());
  record.claim_before = std::exchange(record.claim, added->text);
  return added;
}

}  // namespace

bool is_of_clock_ahead(const JoinToken& claim, TimePoint now) {
  constexpr std::chrono::seconds slack{300};
  return claim.expires_at - unix_seconds(now) > (claim_lifetime + slack).count();
}

Result<CreatedJoinToken> claim_for(const EnrolmentContext& context, const NodeName& node,
                                   const std::string& source,
                                   const std::function<void(BootRecord&)>& note_start) {
  CreatedJoinToken told;
  const auto done =
      update(context.store, kinds::cluster, node.cluster,
             [&](const std::optional<std::string>&, Transaction& transaction) -> Result<void> {
               if (auto there = expect_cluster(context.store, node.cluster, transaction); !there)
                 return there;
               const auto machine = find_machine(context.store, node);
               if (!machine) return pass(machine.error());
               if (auto may = check_may_be_issued(*machine); !may) return may;
               auto boot = find_boot(context.store, node.cluster, node.node);
               if (!boot) return pass(boot.error());
               const auto newest = find_claim(context, boot->record.claim);
               if (!newest) return pass(newest.error());
               const TimePoint now = latest_now(context);
               if (*newest && is_to_be_told_again((*newest)->token, machine->record, now)) {
                 told = {(*newest)->token.id, boot->record.claim};
                 const auto age = unix_microseconds(now) - boot->record.archive_at;
                 if (age >= 0 && age < shortest_between_writes) return {};
               } else {
                 auto added = add_claim(context, boot->record, source, transaction);
                 if (!added) return pass(added.error());
                 told = std::move(*added);
               }
               note_start(boot->record);
               put_boot(*boot, transaction);
               return {};
             });
  if (!done) return pass(done.error());
  return told;
}

Result<void> check_claim(const EnrolmentContext& context, const JoinToken& token,
                         const MachineHints& hints, const std::string& fingerprint,
                         const FoundMachine& found) {
  const ClaimMarks& claim = *token.claim;
  const bool is_other_uuid = !claim.uuid.empty() && !hints.uuid.empty() &&
                             lower_case(claim.uuid) != lower_case(hints.uuid);
  const bool is_other_nic =
      !claim.macs.empty() && !hints.macs.empty() && !have_common(claim.macs, hints.macs);
  if (is_other_uuid || is_other_nic)
    return fail(
        ErrorKind::forbidden, "claim_other_machine",
        fmt::format(
            "claim '{}': for a machine with MACs {} and UUID {} by the inventory, used by one with {} and {}; start that machine by the network itself",
            token.id, fmt::join(claim.macs, " "), claim.uuid.empty() ? "none" : claim.uuid,
            fmt::join(hints.macs, " "), hints.uuid.empty() ? "none" : hints.uuid));
  const MachineRecord& record = found.record;
  const bool is_contested = record.current && record.current->key != fingerprint &&
                            !record.frozen && !found.ban && is_of_an_earlier_start(token, record) &&
                            token.expires_at > unix_seconds(latest_now(context));
  if (!is_contested) return {};
  FoundMachine contested = found;
  MachineRecord& changed = contested.record;
  changed.frozen = true;
  changed.freeze_reason = fmt::format(
      "two keys came with claims of one start: {} has the name, {} asks for it; compare with what `muster-agent status` tells on the machine that is '{}'",
      record.current->key, fingerprint, record.node);
  const std::int64_t now = unix_seconds(context.now());
  changed.claimant =
      IssuedIdentity{fingerprint, "", now + context.limits.identity_lifetime.count(), now};
  auto boot = find_boot(context.store, record.cluster, record.node);
  if (!boot) return pass(boot.error());
  Transaction transaction;
  put_machine(contested, transaction);
  // None of this start's decides after the operator has.
  for (const std::string* text : {&boot->record.claim, &boot->record.claim_before}) {
    const auto claim_of_start = find_claim(context, *text);
    if (!claim_of_start) return pass(claim_of_start.error());
    if (*claim_of_start)
      end_claim(**claim_of_start, unix_seconds(earliest_now(context)), transaction);
  }
  if (boot->version != 0) put_boot(*boot, transaction);  // as it is: no claim is made meanwhile
  append_audit(transaction, context.now(), "server", "frozen",
               kinds::pair_key(record.cluster, record.node), changed.freeze_reason);
  if (auto committed = context.store.commit(transaction); !committed)
    return pass(committed.error());
  return fail(
      ErrorKind::forbidden, "claim_contested",
      fmt::format(
          "machine '{0}/{1}': another key, {2}, came with a claim of this start: one of the two is not this machine, and the identity is frozen; an operator compares fingerprints and decides with `muster node unfreeze {1} --keep FINGERPRINT` (this one's is {3})",
          record.cluster, record.node, record.current->key, fingerprint));
}

void take_over_by_claim(MachineRecord& record, IssuedIdentity identity) {
  const auto before = record.current;
  take_over(record, std::move(identity));
  if (before) record.renewed = {before->key};
}

}  // namespace muster
