#include "enrolment/claim.hpp"

#include <algorithm>

#include "document/field_syntax.hpp"
#include "enrolment/identity.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Each is a write that nobody proved anything for.
constexpr std::int64_t pause = 5;  // seconds between two claims of a node

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

// Cost: the cluster's tokens.
Result<std::vector<FoundJoinToken>> open_claims(const EnrolmentContext& context,
                                                const NodeName& node) {
  const auto names =
      all_records(context.store, kinds::cluster_token, kinds::prefix_of(node.cluster));
  if (!names) return pass(names.error());
  std::vector<FoundJoinToken> claims;
  for (const auto& name : *names) {
    const auto record = context.store.get(kinds::token, name.key.substr(node.cluster.size() + 1));
    if (!record && record.error().kind == ErrorKind::not_found) continue;
    if (!record) return pass(record.error());
    auto token = parse_join_token(record->value);
    const bool is_open = token && token->claim && token->node == node.node &&
                         token->expires_at > unix_seconds(context.now());
    if (is_open) claims.push_back({std::move(*token), record->version});
  }
  return claims;
}

// The firmware's UUID is its board's on most machines, and the same on all boards of some.
Result<void> check_one_board(const std::vector<FoundJoinToken>& claims, const NodeName& node,
                             const MachineMarks& marks) {
  for (const auto& [claim, version] : claims) {
    const bool is_other = !marks.uuid.empty() && !marks.macs.empty() &&
                          !claim.claim->macs.empty() &&
                          lower_case(marks.uuid) == lower_case(claim.claim->uuid) &&
                          !have_common(marks.macs, claim.claim->macs);
    if (is_other)
      return fail(
          ErrorKind::conflict, "machine_ambiguous",
          fmt::format(
              "machine '{}/{}': two boards have the UUID {}, with MACs {} and {}: a UUID that boards share is no mark; match the node by mac",
              node.cluster, node.node, marks.uuid, fmt::join(claim.claim->macs, " "),
              fmt::join(marks.macs, " ")));
  }
  return {};
}

}  // namespace

Result<CreatedJoinToken> mint_claim(const EnrolmentContext& context, const NodeName& node,
                                    const MachineMarks& marks, const std::string& source,
                                    const std::function<Result<void>(Transaction&)>& with) {
  const auto found = find_machine(context.store, node);
  if (!found) return pass(found.error());
  if (auto may = check_may_be_issued(found->record); !may) return pass(may.error());
  const auto claims = open_claims(context, node);
  if (!claims) return pass(claims.error());
  if (auto one = check_one_board(*claims, node, marks); !one) return pass(one.error());
  for (const auto& [claim, version] : *claims) {
    if (unix_seconds(context.now()) - claim.created_at < pause)
      return fail(ErrorKind::unavailable, "claim_again",
                  fmt::format("machine '{}/{}': it was handed a claim just now; ask again",
                              node.cluster, node.node));
  }
  CreatedJoinToken created;
  const auto done =
      update(context.store, kinds::cluster, node.cluster,
             [&](const std::optional<std::string>&, Transaction& transaction) -> Result<void> {
               if (auto there = expect_cluster(context.store, node.cluster, transaction); !there)
                 return there;
               NewJoinToken order;
               order.cluster = node.cluster;
               order.node = node.node;
               order.lifetime = claim_lifetime;
               order.claim = ClaimMarks{marks.macs, marks.uuid};
               auto added = add_join_token(context, order, "a start by the network from " + source,
                                           transaction);
               if (!added) return pass(added.error());
               created = std::move(*added);
               return with ? with(transaction) : Result<void>();
             });
  if (!done) return pass(done.error());
  return created;
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
            "claim '{}': handed to a machine with MACs {} and UUID {}, used by one with {} and {}; start that machine by the network itself",
            token.id, fmt::join(claim.macs, " "), claim.uuid.empty() ? "none" : claim.uuid,
            fmt::join(hints.macs, " "), hints.uuid.empty() ? "none" : hints.uuid));
  const MachineRecord& record = found.record;
  const bool is_contested =
      record.current && record.current->key != fingerprint && !record.frozen && !record.banned &&
      record.enrolled_at >= token.created_at && token.expires_at > unix_seconds(context.now());
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
  const auto claims = open_claims(context, {record.cluster, record.node});
  if (!claims) return pass(claims.error());
  Transaction transaction;
  put_machine(contested, transaction);
  // None of this start's decides after the operator has.
  for (FoundJoinToken claim_of_start : *claims) {
    claim_of_start.token.expires_at = now;
    transaction.expect(kinds::token, claim_of_start.token.id, claim_of_start.version)
        .put(kinds::token, claim_of_start.token.id, to_json(claim_of_start.token));
  }
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
