#include "enrolment/caller.hpp"

#include <algorithm>

#include "enrolment/clone_detection.hpp"
#include "enrolment/identity.hpp"
#include "enrolment/late_claim.hpp"
#include "enrolment/operators.hpp"
#include "enrolment/tombstone.hpp"
#include "enrolment/way_back.hpp"
#include "pki/certificate_authority.hpp"
#include "records/audit.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
tl::unexpected<Error> unknown_identity() {
  return fail(
      ErrorKind::unauthenticated, "identity_unknown",
      fmt::format("identity: no machine or operator of this site has it; to let the machine in: {}",
                  enrols_anew));
}

// With a key that it has no more an agent cannot come back: it has to make another one first.
Error is_superseded(const EnrolmentContext& context, const MachineRecord& record) {
  const auto back = way_back(context, {record.cluster, record.node});
  const std::string cure =
      back && !back->empty()
          ? fmt::format("if this machine is to have it: on it `muster-agent reset --yes`, then {}",
                        *back)
          : "the inventory does not list it";
  return {ErrorKind::forbidden, "superseded",
          fmt::format("machine '{}': a newer key holds this name; {}", record.node, cure)};
}

bool has_organization(const Certificate& certificate, std::string_view organization) {
  const auto organizations = certificate.organizations();
  return organizations.size() == 1 && organizations.front() == organization;
}

// Best effort: what could not be noted is at the next call.
void note_claimant(const EnrolmentContext& context, FoundMachine found, const IssuedIdentity& old) {
  const auto& known = found.record.claimant;
  if (found.record.frozen && known && known->key == old.key) return;
  const auto reason = observe_old_key(found.record, old);
  if (!reason) return;
  if (!found.record.frozen) {
    found.record.frozen = true;
    found.record.freeze_reason = *reason;
  }
  Transaction transaction;
  put_machine(found, transaction);
  append_audit(transaction, context.now(), "server", "frozen",
               kinds::pair_key(found.record.cluster, found.record.node), *reason);
  static_cast<void>(context.store.commit(transaction));
}

// Best effort: without it the old key is accepted until the next call.
void end_acceptance_of_previous(const EnrolmentContext& context, FoundMachine found) {
  found.record.previous.reset();
  Transaction transaction;
  put_machine(found, transaction);
  static_cast<void>(context.store.commit(transaction));
}

// Best effort, likewise: of a cluster that came after the backup that was restored here.
void note_lost(const EnrolmentContext& context, const NodeName& node,
               const Certificate& presented) {
  static_cast<void>(
      muster::note_lost(context.store, node.cluster, node.node, identity_in(presented).issued_at));
}

Result<Caller> identify_machine(const EnrolmentContext& context, const Certificate& presented) {
  auto node = node_of(presented);
  if (!node) return pass(node.error());
  // Before its key is judged by records that may be older than it.
  if (auto heard = check_heard(context, *node, presented); !heard) return pass(heard.error());
  auto found = find_claimed(context, *node, presented);
  if (!found) return pass(found.error());
  Caller caller;
  caller.node = std::move(*node);
  caller.key = presented.public_key().fingerprint();
  caller.frozen = found->record.frozen;
  if (auto holds = check_holds_name(context, *found, presented); !holds) {
    const auto tombstone = find_tombstone(context.store, caller.key);
    if (!tombstone) return pass(tombstone.error());
    // Of a banned machine whose record is gone, that is the answer.
    if (!*tombstone && found->ban && !found->record.current)
      return pass(check_may_be_issued(*found).error());
    if (!*tombstone && found->version == 0) note_lost(context, caller.node, presented);
    if (!*tombstone) return pass(holds.error());
    caller.ended = true;
    return caller;
  }
  if (found->ban) return pass(check_may_be_issued(*found).error());
  if (found->record.previous && found->record.current->key == caller.key) {
    end_acceptance_of_previous(context, std::move(*found));
  }
  return caller;
}

Result<Caller> identify_operator(const EnrolmentContext& context, const Certificate& presented) {
  const auto record = find_operator(context.store, presented.common_name());
  if (!record) {
    if (record.error().kind == ErrorKind::not_found) return unknown_identity();
    return pass(record.error());
  }
  Caller caller;
  caller.kind = Caller::Kind::person;
  caller.name = record->name;
  caller.restricted = record->limits.has_value();
  caller.key = presented.public_key().fingerprint();
  if (record->revoked || record->key != caller.key) {
    return fail(
        ErrorKind::forbidden, "operator_revoked",
        fmt::format(
            "operator '{0}': this certificate was revoked or replaced; have another operator run `muster operator add {0}`",
            record->name));
  }
  return caller;
}
}  // namespace

std::string Caller::text() const {
  if (kind == Kind::person) return fmt::format("operator {}", name);
  return fmt::format("machine {}/{}", node.cluster, node.node);
}

Result<void> check_heard(const EnrolmentContext& context, const NodeName& node,
                         const Certificate& presented) {
  if (auto open = check_not_sealed(context.store, node.cluster); !open) return open;
  auto found = find_unheard(context.store, node.cluster, node.node);
  if (!found) return pass(found.error());
  if (!*found) return {};
  auto& [unheard, version] = **found;
  const IssuedIdentity identity = identity_in(presented);
  if (identity.issued_at >= unheard.since) return {};
  const std::int64_t now = unix_seconds(expected_now(context));
  const auto [asked, is_first] = unheard.asked.try_emplace(identity.key, now);
  constexpr std::int64_t asked_for = 600;
  if (now - asked->second >= asked_for) return {};
  if (is_first) {
    // Best effort: it is asked again.
    Transaction transaction;
    transaction.expect(kinds::unheard, kinds::pair_key(node.cluster, node.node), version);
    put_unheard(node.cluster, node.node, unheard, transaction);
    static_cast<void>(context.store.commit(transaction));
  }
  return fail(
      ErrorKind::unavailable, sealed_code,
      fmt::format(
          "machine '{}/{}': not heard of before its cluster was opened: it shows what it holds first",
          node.cluster, node.node));
}

Result<Caller> identify(const EnrolmentContext& context, const Certificate& presented) {
  // A clock that was set, which nobody vouches for, shuts nobody out, and lets nobody in again.
  if (expected_now(context) >= presented.not_after()) {
    return fail(
        ErrorKind::unauthenticated, "certificate_expired",
        "client certificate: expired; a machine recovers with POST /v1/recover at the enrol listener, an operator asks for another");
  }
  if (has_organization(presented, operator_organization)) {
    return identify_operator(context, presented);
  }
  return identify_machine(context, presented);
}

Result<NodeName> node_of(const Certificate& certificate) {
  const auto units = certificate.organizational_units();
  if (!has_organization(certificate, machine_organization) || units.size() != 1) {
    return fail(
        ErrorKind::unauthenticated, "certificate_other",
        "client certificate: expected a machine's or an operator's identity; use the one that enrolment issued");
  }
  return NodeName{units.front(), certificate.common_name()};
}

Result<void> check_key_holds_name(const EnrolmentContext& context, const MachineRecord& record,
                                  std::string_view key) {
  if (!record.current) return unknown_identity();
  for (const auto* held : {&record.current, &record.previous})
    if (*held && (*held)->key == key) return {};
  return pass(is_superseded(context, record));
}

Result<void> check_holds_name(const EnrolmentContext& context, const FoundMachine& found,
                              const Certificate& presented) {
  const MachineRecord& record = found.record;
  const IssuedIdentity old = identity_in(presented);
  auto holds = check_key_holds_name(context, record, old.key);
  if (holds || !record.current) return holds;
  const auto& renewed = record.renewed;
  const bool is_claimant = record.frozen && record.claimant && record.claimant->key == old.key;
  if (is_claimant && std::find(renewed.begin(), renewed.end(), old.key) == renewed.end()) {
    return fail(
        ErrorKind::forbidden, "frozen",
        fmt::format(
            "machine '{0}': frozen: {1}; an operator decides with `muster node unfreeze {0} --keep {2}`, or with the other's key",
            record.node, record.freeze_reason, old.key));
  }
  MachineRecord noted = record;
  if (observe_old_key(noted, old)) {
    note_claimant(context, found, old);
    return fail(
        ErrorKind::forbidden, "frozen",
        fmt::format(
            "machine '{0}': another machine renewed this key, so that one of the two is a copy, and the identity is frozen; an operator decides with `muster node unfreeze {0} --keep {1}`, or with the other's key",
            record.node, old.key));
  }
  return holds;
}

Result<void> check_not_frozen(const Caller& caller) {
  if (!caller.frozen) return {};
  FoundMachine frozen;
  frozen.record.node = caller.node.node;
  frozen.record.frozen = true;
  return check_may_be_issued(frozen);
}

Error has_ended(const NodeName& node) {
  return {
      ErrorKind::forbidden, "ended",
      fmt::format(
          "machine '{}/{}': its cluster, or its time there, has ended; GET /v1/document says what it does now",
          node.cluster, node.node)};
}

Error not_yours() {
  return {
      ErrorKind::not_found, "not_found",
      "nothing of that name for this caller; `muster explain node` shows what a machine is served"};
}

}  // namespace muster
