#include "enrolment/late_claim.hpp"

#include <algorithm>

#include "enrolment/tombstone.hpp"
#include "pki/certificate_authority.hpp"
#include "pki/unix_seconds.hpp"
#include "records/audit.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

bool is_known_key(const MachineRecord& record, const std::string& key) {
  const auto known = keys_of(record);
  return std::find(known.begin(), known.end(), key) != known.end();
}

// Who has the name was not decided since, by an enrolment, an operator or a restore.
bool is_undecided(const FoundMachine& found, const IssuedIdentity& shown) {
  const MachineRecord& record = found.record;
  return record.current && !record.frozen && !found.ban && shown.issued_at >= record.enrolled_at &&
         !is_known_key(record, shown.key);
}

Result<bool> is_lost(const Store& store, const IssuedIdentity& shown) {
  const auto restored = find_restored(store);
  // One that cannot be read says nothing of when.
  if (!restored && restored.error().kind != ErrorKind::corrupt) return pass(restored.error());
  if (!restored || !*restored) return false;
  if (shown.issued_at < (*restored)->backup_at || shown.issued_at > (*restored)->at) return false;
  const auto banned = find_banned_key(store, shown.key);
  if (!banned) return pass(banned.error());
  const auto tombstone = find_tombstone(store, shown.key);
  if (!tombstone) return pass(tombstone.error());
  return !*banned && !*tombstone;
}

Result<void> claim(const EnrolmentContext& context, FoundMachine found, IssuedIdentity shown) {
  MachineRecord& record = found.record;
  const bool is_newest = record.current->issued_at < shown.issued_at;
  std::string detail =
      fmt::format("key {} has it, which the site signed after the backup was made", shown.key);
  if (is_newest) {
    take_over(record, std::move(shown));
  } else {
    freeze_between(record, *record.current, std::move(shown));
    detail = record.freeze_reason;
  }
  Transaction transaction;
  put_machine(found, transaction);
  append_audit(transaction, context.now(), "restore", is_newest ? "key-learned" : "frozen",
               kinds::pair_key(record.cluster, record.node), detail);
  auto committed = context.store.commit(transaction);
  if (committed) return {};
  if (committed.error().kind != ErrorKind::conflict) return pass(committed.error());
  return fail(ErrorKind::unavailable, "identity: its record changed just now; ask again");
}

}  // namespace

IssuedIdentity identity_in(const Certificate& certificate) {
  return {certificate.public_key().fingerprint(), certificate.serial(),
          unix_seconds(certificate.not_after()),
          unix_seconds(certificate.not_before() + certificate_backdate)};
}

Result<FoundMachine> find_claimed(const EnrolmentContext& context, const NodeName& node,
                                  const Certificate& presented) {
  auto found = find_machine(context.store, node);
  if (!found) return found;
  const IssuedIdentity shown = identity_in(presented);
  if (!is_undecided(*found, shown)) return found;
  const auto lost = is_lost(context.store, shown);
  if (!lost) return pass(lost.error());
  if (!*lost) return found;
  if (auto claimed = claim(context, std::move(*found), shown); !claimed)
    return pass(claimed.error());
  return find_machine(context.store, node);
}

}  // namespace muster
