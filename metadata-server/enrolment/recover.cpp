#include "enrolment/recover.hpp"

#include "enrolment/caller.hpp"
#include "enrolment/late_claim.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/way_back.hpp"
#include "records/audit.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
// What recovery and renewal share once each has checked its proof: the machine as it is recorded
// now, allowed to be issued something.
Result<FoundMachine> find_holder(const EnrolmentContext& context, const Certificate& presented,
                                 const PublicKey& next) {
  const auto node = node_of(presented);
  if (!node) return pass(node.error());
  if (auto heard = check_heard(context, *node, presented); !heard) return pass(heard.error());
  auto found = find_claimed(context, *node, presented);
  if (!found) return pass(found.error());
  if (auto holds = check_holds_name(context, *found, presented); !holds) return pass(holds.error());
  if (auto may = check_may_be_issued(*found); !may) return pass(may.error());
  for (const std::string& key : {presented.public_key().fingerprint(), next.fingerprint()})
    if (auto may = check_key_not_banned(context.store, key); !may) return pass(may.error());
  return std::move(*found);
}

Result<EnrolOutcome> issue_next(const EnrolmentContext& context, FoundMachine found,
                                std::string_view caller_key, const PublicKey& new_key,
                                std::string_view action, const std::string& source) {
  const NodeName node{found.record.cluster, found.record.node};
  const auto issued = issue_identity(context, node, new_key);
  if (!issued) return pass(issued.error());
  rotate(found.record, caller_key, issued->identity);
  Transaction transaction;
  put_machine(found, transaction);
  expect_not_banned(node.cluster, node.node, issued->identity.key, transaction);
  append_audit(transaction, context.now(), fmt::format("machine {}/{}", node.cluster, node.node),
               std::string(action), kinds::pair_key(node.cluster, node.node),
               fmt::format("from {}, key {}, serial {}", source, issued->identity.key,
                           issued->identity.serial));
  if (auto committed = context.store.commit(transaction); !committed) {
    if (committed.error().kind == ErrorKind::conflict) {
      return fail(ErrorKind::unavailable, "identity: its record changed just now; ask again");
    }
    return pass(committed.error());
  }
  return EnrolOutcome{false, issued->identity.key, node, issued->certificate_pem, {}, {}, {}};
}
}  // namespace

namespace {
Result<EnrolOutcome> recover_key(const EnrolmentContext& context, const EnrolRequest& request,
                                 const Certificate& presented, const std::string& source) {
  const auto key = check_proof(context, ProofPurpose::recover, request.proof);
  if (!key) return pass(key.error());
  if (auto issued = check_issuer(context, presented); !issued) return pass(issued.error());
  const std::string fingerprint = presented.public_key().fingerprint();
  if (key->fingerprint() != fingerprint) {
    return fail(
        ErrorKind::unauthenticated, "key_other",
        "proof: expected the key of the client certificate, found another; recovery keeps the key, enrolment makes a new one");
  }
  if (expected_now(context) > presented.not_after() + context.limits.recovery_window) {
    const auto days =
        std::chrono::duration_cast<std::chrono::hours>(context.limits.recovery_window) / 24;
    return fail(
        ErrorKind::forbidden, "recovery_too_late",
        fmt::format(
            "client certificate: expired more than {} days ago; `muster node replace`, then {}",
            days.count(), enrols_anew));
  }
  auto tombstone = find_tombstone(context.store, fingerprint);
  if (!tombstone) return pass(tombstone.error());
  if (*tombstone) {
    EnrolOutcome ended;
    ended.fingerprint = fingerprint;
    ended.node = {(*tombstone)->cluster, (*tombstone)->node};
    ended.ended = std::move(**tombstone);
    return ended;
  }
  auto found = find_holder(context, presented, *key);
  if (!found) return pass(found.error());
  return issue_next(context, std::move(*found), fingerprint, *key, "recovered", source);
}
}  // namespace

Result<EnrolOutcome> recover(const EnrolmentContext& context, const EnrolRequest& request,
                             const Certificate& presented, const std::string& source) {
  auto outcome = recover_key(context, request, presented, source);
  if (outcome || (outcome.error().kind != ErrorKind::forbidden &&
                  outcome.error().kind != ErrorKind::unauthenticated)) {
    return outcome;
  }
  const auto node = node_of(presented);
  context.counts.note("recovery-refused", source,
                      node ? kinds::pair_key(node->cluster, node->node) : outcome.error().code,
                      fmt::format("{}: {}", outcome.error().code, outcome.error().message),
                      context.now());
  return outcome;
}

Result<EnrolOutcome> renew(const EnrolmentContext& context, const EnrolRequest& request,
                           const Certificate& presented, const std::string& source) {
  const auto key = check_proof(context, ProofPurpose::recover, request.proof);
  if (!key) return pass(key.error());
  auto found = find_holder(context, presented, *key);
  if (!found) return pass(found.error());
  return issue_next(context, std::move(*found), presented.public_key().fingerprint(), *key,
                    "renewed", source);
}

}  // namespace muster
