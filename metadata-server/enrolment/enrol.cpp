#include "enrolment/enrol.hpp"

#include <fmt/ranges.h>

#include "enrolment/approval.hpp"
#include "enrolment/backup_wait.hpp"
#include "enrolment/claim.hpp"
#include "enrolment/join_token.hpp"
#include "enrolment/machine.hpp"
#include "enrolment/pending.hpp"
#include "enrolment/pool_admission.hpp"
#include "enrolment/remove.hpp"
#include "enrolment/tombstone.hpp"
#include "publish/publisher.hpp"
#include "records/audit.hpp"
#include "records/boot_record.hpp"
#include "records/pool_member.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
// Everything that one attempt reads before it decides.
struct Question {
  const EnrolmentContext& context;
  const EnrolRequest& request;
  const std::string& source;
  PublicKey key;
  std::string fingerprint;
  RefusalNote& note;  // learns what is asked for, for `muster explain enrolment`
};

// Which right a machine enrols by; none of them: it waits.
struct Right {
  std::optional<FoundPending> approval;
  std::optional<FoundJoinToken> token;
  std::optional<FoundMember> member;  // whose token was spent when it was admitted
};

std::string text_of(const Right& right) {
  if (right.approval) {
    return fmt::format("by approval of {}", right.approval->machine.approved_by);
  }
  if (right.member) return fmt::format("as a member of pool {}", right.member->record.pool);
  if (right.token)
    return fmt::format("by {} {}", right.token->token.claim ? "claim" : "join token",
                       right.token->token.id);
  return "again, the key holds the name already";
}

Result<Right> find_right(const Question& question) {
  Right right;
  auto approval = find_pending(question.context, question.fingerprint);
  if (!approval) return pass(approval.error());
  const NodeName& approved = approval->machine.approved;
  if (!approved.node.empty() && question.context.inventory()->role_of(approved)) {
    right.approval = std::move(*approval);
    return right;
  }
  if (question.request.token.empty()) return right;
  auto token = find_join_token(question.context.store, question.request.token);
  if (!token) return pass(token.error());
  right.token = std::move(*token);
  const JoinToken& bound = right.token->token;
  question.note.token = bound.id;
  question.note.asked = bound.pool.empty() ? fmt::format("cluster '{}'", bound.cluster)
                                           : fmt::format("pool '{}/{}'", bound.cluster, bound.pool);
  return right;
}

// An empty name: the inventory does not know this machine.
Result<NodeName> find_node(const Question& question, const Right& right) {
  const MatchResult match = question.context.inventory()->match(question.request.hints);
  if (right.approval) {
    const PendingMachine& machine = right.approval->machine;
    // Of one that was approved before it asked nobody has seen the hardware.
    const bool is_unseen = machine.source.empty();
    if (!is_unseen || match.kind != MatchResult::Kind::matched || match.node == machine.approved)
      return machine.approved;
    return fail(
        ErrorKind::forbidden, "hints_other_node",
        fmt::format(
            "machine {}: approved as '{}/{}' before it asked, and its hardware is that of '{}/{}' by the inventory; approve it as {}, or mend the inventory",
            machine.fingerprint, machine.approved.cluster, machine.approved.node,
            match.node.cluster, match.node.node, match.node.node));
  }
  if (match.kind == MatchResult::Kind::ambiguous) {
    return fail(
        ErrorKind::conflict, "hints_ambiguous",
        fmt::format(
            "machine: its hardware names several nodes ({}); correct `match` in the inventory",
            fmt::join(match.reasons, "; ")));
  }
  const NodeName matched = match.kind == MatchResult::Kind::matched ? match.node : NodeName{};
  if (!right.token || right.token->token.node.empty()) return matched;
  const JoinToken& token = right.token->token;
  const NodeName bound{token.cluster, token.node};
  if (!matched.node.empty() && matched != bound) {
    return fail(
        ErrorKind::forbidden, "hints_other_node",
        fmt::format(
            "join token '{}': made for another node than the inventory has this hardware as; use a token of its own, or correct `match`",
            token.id));
  }
  return bound;
}

EnrolOutcome waits_for(const Question& question, Awaits awaits) {
  EnrolOutcome outcome;
  outcome.pending = true;
  outcome.awaits = awaits;
  outcome.fingerprint = question.fingerprint;
  return outcome;
}

// Nobody refuses it, and it is not let in: told like a refusal. What waits for an approval is told
// by its own row.
EnrolOutcome waits_for_backup(const Question& question, const std::string& cluster) {
  question.note.code = awaits_backup_code;
  question.note.message = awaits_backup_text(cluster);
  return waits_for(question, Awaits::backup);
}

Result<EnrolOutcome> wait(const Question& question, const NodeName& proposed) {
  PendingMachine machine;
  machine.fingerprint = question.fingerprint;
  machine.hints = question.request.hints;
  machine.source = question.source;
  machine.proposed = proposed;
  if (auto noted = note_pending(question.context, machine); !noted) return pass(noted.error());
  return waits_for(question, Awaits::approval);
}

Result<EnrolOutcome> issue(const Question& question, const Right& right, const NodeName& node,
                           FoundMachine found) {
  const auto issued = issue_identity(question.context, node, question.key);
  if (!issued) return pass(issued.error());
  MachineRecord& record = found.record;
  const bool is_other_machine = !record.current || record.current->key != issued->identity.key;
  if (!is_other_machine) {
    record.current = issued->identity;
  } else {
    if (right.token && right.token->token.claim)
      take_over_by_claim(record, issued->identity);
    else
      take_over(record, issued->identity);
  }
  record.uuid = question.request.hints.uuid;
  record.serial = question.request.hints.serial;
  Transaction transaction;
  if (auto open = expect_not_sealed(question.context.store, node.cluster, transaction); !open)
    return pass(open.error());
  if (right.token && right.token->token.claim) {
    if (auto done = end_reprovision(question.context.store, node.cluster, node.node, transaction);
        !done)
      return pass(done.error());
  }
  // What the machine before it said is not its word.
  if (is_other_machine) forget_reports(node, transaction);
  put_machine(found, transaction);
  expect_not_banned(node.cluster, node.node, question.fingerprint, transaction);
  if (right.member) {
    transaction.expect(kinds::member, kinds::pair_key(node.cluster, node.node),
                       right.member->version);
  }
  if (right.approval) {
    transaction.expect(kinds::pending, question.fingerprint, right.approval->version)
        .remove(kinds::pending, question.fingerprint);
  } else if (right.token) {
    consume(*right.token, transaction);
  }
  append_audit(transaction, question.context.now(), question.source, "enrolled",
               kinds::pair_key(node.cluster, node.node),
               fmt::format("{}, key {}, serial {}", text_of(right), issued->identity.key,
                           issued->identity.serial));
  if (auto committed = question.context.store.commit(transaction); !committed) {
    return pass(committed.error());
  }
  EnrolOutcome outcome;
  outcome.fingerprint = question.fingerprint;
  outcome.node = node;
  outcome.certificate_pem = issued->certificate_pem;
  return outcome;
}

// A member is let in when its document is there: before that the cluster awaits its masters.
Result<EnrolOutcome> decide_member(const Question& question, Right right, bool& is_lost_race) {
  const EnrolmentContext& context = question.context;
  const auto early = awaits_backup(context, right.token->token.cluster);
  if (!early) return pass(early.error());
  if (*early) return waits_for_backup(question, right.token->token.cluster);
  auto member =
      admit_member({context, *right.token, question.source, question.request.instance_identity,
                    question.fingerprint, question.note});
  if (!member) {
    is_lost_race = member.error().code == name(ErrorKind::conflict);
    return pass(member.error());
  }
  const NodeName node{member->cluster, member->node};
  question.note.node = kinds::pair_key(node.cluster, node.node);
  auto found = find_machine(context.store, node);
  if (!found) return pass(found.error());
  if (auto free = check_free(context, *found, question.fingerprint); !free) {
    return pass(free.error());
  }
  const auto served = context.publisher == nullptr
                          ? Result<bool>(true)
                          : context.publisher->bring_document(node.cluster, node.node);
  if (!served) return pass(served.error());
  // Its cluster may end meanwhile: no identity without a member.
  auto still_there = find_member(context.store, node.cluster, node.node);
  if (!still_there) return pass(still_there.error());
  if (!*still_there) {
    is_lost_race = true;
    return fail(ErrorKind::conflict, "member: it was removed just now");
  }
  if (!*served) {
    EnrolOutcome outcome = waits_for(question, Awaits::masters);
    outcome.poll_after = std::chrono::seconds(1);
    return outcome;
  }
  right.token.reset();
  right.member = std::move(**still_there);
  auto issued = issue(question, right, node, std::move(*found));
  if (issued) return std::move(*issued);
  is_lost_race = issued.error().kind == ErrorKind::conflict;
  return pass(issued.error());
}

// A tombstone means one key for ever: a new life starts with a new one.
Result<void> check_not_ended(const Question& question) {
  const auto tombstone = find_tombstone(question.context.store, question.fingerprint);
  if (!tombstone) return pass(tombstone.error());
  if (!*tombstone) return {};
  return fail(
      ErrorKind::conflict, "ended",
      fmt::format(
          "machine '{}/{}': {}; run `muster-agent reset --yes` on it, so that it asks with a new key",
          (*tombstone)->cluster, (*tombstone)->node,
          (*tombstone)->by_ttl ? "its time in its pool (ttl) is over" : "its cluster has ended"));
}

Result<EnrolOutcome> decide(const Question& question, bool& is_lost_race) {
  const EnrolmentContext& context = question.context;
  auto right = find_right(question);
  if (!right) return pass(right.error());
  if (right->token && !right->token->token.pool.empty()) {
    return decide_member(question, std::move(*right), is_lost_race);
  }
  const auto node = find_node(question, *right);
  if (!node) return pass(node.error());
  if (!node->node.empty()) question.note.node = kinds::pair_key(node->cluster, node->node);
  const auto role = context.inventory()->role_of(*node);
  auto found = find_machine(context.store, *node);
  if (!found) return pass(found.error());
  const bool holds_name =
      role && found->record.current && found->record.current->key == question.fingerprint &&
      has_live_identity(found->record, earliest_now(context), context.limits.recovery_window);
  if (holds_name) {
    right->token.reset();
  } else if (right->token) {
    const JoinToken& token = right->token->token;
    if (role && token.claim) {
      auto sound =
          check_claim(context, token, question.request.hints, question.fingerprint, *found);
      is_lost_race = !sound && sound.error().kind == ErrorKind::conflict;
      if (!sound) return pass(sound.error());
    }
    if (auto usable = check_usable(token, context.now()); !usable) return pass(usable.error());
    if (!role) return wait(question, {});
    if (auto covers = check_covers(token, *node, *role); !covers) return pass(covers.error());
  }
  if (!role) return wait(question, {});
  const bool is_claimed = right->token && right->token->token.claim;
  if (auto free = is_claimed ? check_may_be_issued(*found)
                             : check_free(context, *found, question.fingerprint);
      !free) {
    return pass(free.error());
  }
  if (!holds_name && !right->token && !right->approval) return wait(question, *node);
  const auto early = holds_name ? Result<bool>(false) : awaits_backup(context, node->cluster);
  if (!early) return pass(early.error());
  if (*early) return waits_for_backup(question, node->cluster);
  auto issued = issue(question, *right, *node, std::move(*found));
  if (issued) return std::move(*issued);
  is_lost_race = issued.error().kind == ErrorKind::conflict;
  return pass(issued.error());
}
Result<EnrolOutcome> attempt(const EnrolmentContext& context, const EnrolRequest& request,
                             const std::string& source, RefusalNote& note) {
  auto key = check_proof(context, ProofPurpose::enrol, request.proof);
  if (!key) return pass(key.error());
  note.key = key->fingerprint();
  const Question question{context, request, source, *key, note.key, note};
  if (auto fresh = check_not_ended(question); !fresh) return pass(fresh.error());
  if (auto may = check_key_not_banned(context.store, note.key); !may) return pass(may.error());
  // Machines of one rack share a token: each loser of a race for its count decides again.
  constexpr int attempts = 100;
  for (int attempt = 1;; ++attempt) {
    bool is_lost_race = false;
    auto outcome = decide(question, is_lost_race);
    if (outcome || !is_lost_race) return outcome;
    if (attempt == attempts) {
      return fail(ErrorKind::unavailable,
                  "enrolment: too many machines at once; ask again in some seconds");
    }
  }
}
// A server that is not well refused nobody.
void note_refused(const EnrolmentContext& context, const RefusalNote& note, ErrorKind kind) {
  const bool is_answer = kind == ErrorKind::unauthenticated || kind == ErrorKind::forbidden ||
                         kind == ErrorKind::conflict || kind == ErrorKind::exhausted;
  if (!is_answer) return;
  context.counts.note("enrolment-refused", note.source, note.node.empty() ? note.code : note.node,
                      fmt::format("{}: {}{}", note.code, note.message,
                                  note.key.empty() ? "" : ", asked with " + note.key),
                      context.now());
}

}  // namespace

Result<EnrolOutcome> enrol(const EnrolmentContext& context, const EnrolRequest& request,
                           const std::string& source) {
  RefusalNote note;
  note.source = source;
  note.hostname = request.hints.hostname;
  if (const auto match = context.inventory()->match(request.hints);
      match.kind == MatchResult::Kind::matched) {
    note.node = kinds::pair_key(match.node.cluster, match.node.node);
  }
  context.refusals.went_on(source);
  auto outcome = attempt(context, request, source, note);
  const bool is_waiting = outcome && outcome->pending && outcome->awaits == Awaits::backup;
  if (outcome && !is_waiting) {
    context.refusals.forget(source, note.key);
    return outcome;
  }
  note.first = note.last = unix_seconds(context.now());
  if (!outcome) {
    note.code = outcome.error().code;
    note.message = outcome.error().message;
    note_refused(context, note, outcome.error().kind);
  }
  context.refusals.add(std::move(note));
  return outcome;
}

}  // namespace muster
